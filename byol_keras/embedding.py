"""What `byol-keras embed` does."""

from pathlib import Path

import keras
import numpy as np

from .atomic import written_beside
from .data import open_source
from .errors import InputError
from .evaluation import embed
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


def embed_source(encoder, source, out, precision="float32"):
    """Embeds the pictures of `source` and writes `out`, an .npz.

    It holds `embeddings` (N, D) float32, `names` (N,) str, and `labels` (N,) int64 and `class_names` where the source
    has them.

    Args:
        encoder: str or Path, a run or a .keras file.
        source: str, a SOURCE.
        out: str or Path, ending in .npz.
        precision: "float32", "bfloat16" or "auto", see `evaluation.embed`.

    Raises:
        InputError: for a mistake in any of them.
    """
    if Path(out).suffix != ".npz":
        raise InputError(f"--out must name an .npz file. Received: {out}")
    model, pictures = load_encoder(encoder), open_source(source)
    arrays = {"embeddings": embed(model, pictures, precision=precision), "names": np.array(pictures.names)}
    if pictures.labels is not None:
        arrays["labels"] = pictures.labels
    if pictures.class_names is not None:
        arrays["class_names"] = np.array(pictures.class_names)
    with written_beside(out) as path:
        np.savez(path, **arrays)
