"""What `byol-keras embed` does."""

from pathlib import Path

import numpy as np

from ..data import open_source
from ..errors import InputError
from ..evaluation import embed
from ..runs.load import load_encoder
from ..utils.atomic import written_beside


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
