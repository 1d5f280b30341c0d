"""Encoders read back from runs and files."""

import os
from pathlib import Path

import keras

from ..byol import BYOL
from ..errors import InputError, first_line
from ..models.model_file import read_model
from .run import CHECKPOINTS, Run
from .run_config import load_run


def load_encoder(path: str | os.PathLike) -> keras.Model:
    """The encoder of a run, or of a .keras file.

    No code in the file is run, see `models.model_file`.

    Args:
        path: the folder of a run, or a .keras file of an encoder or of a `BYOL` model.

    Returns:
        keras.Model, (B, H, W, C) float32 in [0, 1] -> (B, D) float32.

    Raises:
        InputError: where there is neither, the run is not finished or has diverged, or the file is not of an encoder.

    Example:
        encoder = bk.load_encoder("runs/photos")
        embeddings = encoder.predict(images)
    """
    path = Path(path)
    if path.is_dir():
        return load_run(path).encoder
    if not path.is_file():
        raise InputError(f"No run and no .keras file at {path}.")
    model = read_model(path)
    # The model of a checkpoint has its encoder inside.
    encoder = model.encoder if isinstance(model, BYOL) else model
    _check_encoder(encoder, path)
    return encoder


def run_of(path: str | os.PathLike) -> Run | None:
    """The run that an encoder is of.

    Args:
        path: the folder of a run, or a .keras file.

    Returns:
        `Run`; of a file, that whose encoder.keras, best_encoder.keras, healthy_encoder.keras or checkpoint it is, else
        None.

    Raises:
        InputError: for a folder that is no run.
    """
    path = Path(path)
    if path.is_dir():
        return load_run(path)
    folder = path.parent.parent if path.parent.name == CHECKPOINTS else path.parent
    if not (folder / "config.json").is_file():
        return None
    try:
        run = load_run(folder)
    except InputError:  # Something else is called config.json too.
        return None
    encoders = (run.encoder_path, run.best_encoder_path, run.healthy_encoder_path)
    return run if path in encoders or path.parent == run.checkpoints_path else None


def value_range_of(path: str | os.PathLike) -> list[float] | None:
    """The value range in which images are read for an encoder, see `Run.value_range`.

    Args:
        path: the folder of a run, or a .keras file.

    Returns:
        [low, high]; None where none was stated, or nobody knows.
    """
    run = run_of(path) if os.path.exists(path) else None
    return None if run is None else run.value_range


def _check_encoder(encoder, path):
    try:
        # A model written as a class knows only the shape it was built with.
        takes = encoder.input_shape if getattr(encoder, "inputs", None) else encoder.get_build_config()["input_shape"]
        gives = encoder.compute_output_spec(keras.KerasTensor(takes)).shape
    except Exception as error:  # A model of any form, of which Keras' methods ask much.
        raise InputError(f"{path} is not an encoder: {first_line(error)}") from error
    if len(takes) != 4 or len(gives) != 2:
        raise InputError(
            f"{path} is not an encoder, which takes images (B, H, W, C) and gives vectors (B, D). "
            f"Received: one from {tuple(takes)} to {tuple(gives)}"
        )
