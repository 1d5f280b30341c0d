"""Encoders read back from runs and files."""

import os
from pathlib import Path

import keras

from ..errors import InputError, first_line
from .run import load_run


def load_encoder(path: str | os.PathLike) -> keras.Model:
    """The encoder of a run, or of a .keras file.

    Args:
        path: the folder of a run, or a .keras file of an encoder or of a `BYOL` model.

    Returns:
        keras.Model, (B, H, W, C) float32 in [0, 1] -> (B, D) float32.

    Raises:
        InputError: where there is neither, the run is not finished, or the file is not a Keras model.

    Example:
        encoder = bk.load_encoder("runs/photos")
        embeddings = encoder.predict(images)
    """
    path = Path(path)
    if path.is_dir():
        return load_run(path).encoder
    if not path.is_file():
        raise InputError(f"No run and no .keras file at {path}.")
    model = _loaded(path)
    # The model of a checkpoint has its encoder inside.
    return getattr(model, "encoder", model)


def _loaded(path):
    try:
        return keras.models.load_model(path)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is not a Keras model that can be loaded: {first_line(error)}") from error
