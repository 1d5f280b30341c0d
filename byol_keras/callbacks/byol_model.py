"""The model that a callback goes with."""

import keras

from ..byol import BYOL
from ..errors import InputError


def require_byol(callback: keras.callbacks.Callback) -> None:
    """Raises InputError where the model that a callback was set to is no BYOL."""
    if not isinstance(callback.model, BYOL):
        name, model = type(callback).__name__, type(callback.model).__name__
        raise InputError(f"{name} goes with a BYOL model. Received: {model}")
