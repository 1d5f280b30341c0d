"""BYOL for Keras and TensorFlow: learn an image encoder from unlabeled images, and put it to work.

Nothing heavy is imported until a name is used, so that `byol-keras --help` need not wait for TensorFlow.
"""

import importlib

from wrapt import register_post_import_hook

from ._version import __version__
from .utils.backend import require_tensorflow

require_tensorflow()

# Public name -> the module that has it; None for the modules that are public themselves.
_HOME = {
    "BYOL": "byol",
    "InputError": "errors",
    "LARS": "lars",
    "OnlineKNN": "callbacks",
    "TargetEMA": "callbacks",
    "TwoViews": "augment",
    "VIEW_1": "augment",
    "VIEW_2": "augment",
    "resnet8": "models.resnet",
    "resnet8x2": "models.resnet",
    "resnet10": "models.resnet",
    "resnet18": "models.resnet",
    "resnet34": "models.resnet",
    "resnet50": "models.resnet",
    "augment": None,
    "callbacks": None,
    "data": None,
    "evaluation": None,
    "export": None,
    "losses": None,
    "schedules": None,
    "tasks": None,
}

__all__ = ["__version__", *_HOME]

# Keras can load a saved model only when the classes in it are registered, which importing their modules does.
_REGISTERED = ("augment.two_views", "byol", "lars", "losses")


def _register(_keras):
    for module in _REGISTERED:
        importlib.import_module(f"{__name__}.{module}")


# At once where Keras is imported already, otherwise as soon as it is.
register_post_import_hook(_register, "keras")


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOME[name] or name}")
    value = module if _HOME[name] is None else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(__all__)
