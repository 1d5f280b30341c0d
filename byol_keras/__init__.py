"""BYOL for Keras and TensorFlow: learn an image encoder from unlabeled images, and put it to work.

The public names are in `__init__.pyi`, where IDEs and type checkers read them. Nothing heavy is imported until a name
is used, so that `byol-keras --help` need not wait for TensorFlow.
"""

import importlib
import sys

import lazy_loader
from wrapt import register_post_import_hook

from ._version import __version__ as __version__
from .utils.backend import require_tensorflow

require_tensorflow()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# Keras can load a saved model only when the classes in it are registered, which importing their modules does.
_REGISTERED = ("augment", "byol", "losses", "objectives", "optimizers")
# What these import in turn.
_BELOW = ("augment", "kernels", "models", "precision", "schedules", "utils.private_api")


def _register(_keras):
    for module in _REGISTERED:
        importlib.import_module(f"{__name__}.{module}")


# At once where Keras is imported already, otherwise as soon as it is.
register_post_import_hook(_register, "keras")


class _KerasFirst:
    """Has Keras imported before a module that `_register` imports, which would else be half imported by then."""

    def find_spec(self, name, path=None, target=None):
        if name.startswith(tuple(f"{__name__}.{module}" for module in _REGISTERED + _BELOW)):
            importlib.import_module("keras")
        return None  # so that the module is found as ever


sys.meta_path.insert(0, _KerasFirst())
