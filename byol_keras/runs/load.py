"""Encoders read back from runs and files."""

from pathlib import Path

import keras

from ..errors import InputError
from .run import read_finished_run


def load_encoder(path):
    """The encoder of a run, or of a .keras file.

    Returns:
        keras.Model, (B, H, W, C) float32 in [0, 1] -> (B, D).

    Raises:
        InputError: where there is neither, or the file is not a Keras model.
    """
    path = Path(path)
    if path.is_dir():
        run = read_finished_run(path)
        path = run.encoder
    if not path.is_file():
        raise InputError(f"No run and no .keras file at {path}.")
    try:
        model = keras.models.load_model(path)
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is not a Keras model that can be loaded: {str(error).splitlines()[0]}") from error
    # The model of a checkpoint has its encoder inside.
    return getattr(model, "encoder", model)
