"""Models read from .keras files, which may come from anywhere: no code of theirs is run, and none has diverged."""

import os
import re
from pathlib import Path

import keras

from ..errors import InputError, first_line
from .finite import variables_not_finite


def read_model(path: str | os.PathLike, what: str = "a Keras model") -> keras.Model:
    """The model in a .keras file.

    Only layers of Keras and those registered with it are made of what the file says: a `Lambda` with Python code, the
    name of any other class or function, and the older formats, which hold code or are less strict, are refused.

    Args:
        path: of the file.
        what: the file should hold, for the error.

    Returns:
        keras.Model, of finite weights.

    Raises:
        InputError: where it cannot be loaded or has NaN or infinity in its weights.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise InputError(f"{path} does not end in .keras: older formats are not read. Save the model as .keras.")
    try:
        model = keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # On a file that is not what it seems, Keras raises nearly anything.
        if "enable_unsafe_deserialization" in str(error) or "safe_mode" in str(error):
            raise InputError(
                f"{path} holds Python code, which loading never runs: save a model of layers without it."
            ) from error
        if found := re.search(r"Could not locate (?:class|function) '(\w+)'", str(error)):
            raise InputError(
                f"{path} is not {what} that can be loaded: it holds {found[1]!r}, which is not known here. A class of "
                "your own is to be registered by @keras.saving.register_keras_serializable(), and imported before."
            ) from error
        raise InputError(f"{path} is not {what} that can be loaded: {first_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise InputError(f"{path} is not {what} that can be loaded: it holds a {type(model).__name__}.")
    check_finite(model, path)
    return model


def check_finite(model: keras.Model, path: str | os.PathLike) -> None:
    """Raises InputError where weights of a model are NaN or infinite: every embedding would be.

    Args:
        model: keras.Model.
        path: of the file that it comes from.
    """
    if bad := variables_not_finite(model):
        raise InputError(
            f"{path} has NaN or infinity in {len(bad)} of its {len(model.weights)} variables: training has diverged. "
            "Take a file from before, or train again, with a lower learning rate if it happens again."
        )
