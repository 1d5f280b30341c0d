"""What `byol-keras embed` does."""

import os
from pathlib import Path

import numpy as np

from ..data import open_source
from ..errors import InputError
from ..evaluation import embed
from ..models.fingerprint import fingerprint
from ..runs.load import load_encoder, value_range_of
from ..utils.atomic import atomic_path, check_writable
from .embed_parts import embed_to_parts


def embed_source(
    encoder: str | os.PathLike, data: str, out: str | os.PathLike, precision: str = "float32"
) -> tuple[int, int]:
    """Embeds the images of `data` and writes `out`: an .npz, or for any number of images a .parquet folder of parts.

    Of the folder see `embed_parts.embed_to_parts`. An .npz holds `embeddings` (N, D) float32, `names` (N,) str,
    `encoder`, the fingerprint of the encoder that made them, and `labels` (N,) int64 and `class_names` where the source
    has them.

    Args:
        encoder: a run or a .keras file.
        data: see `data.open_source`.
        out: ending in .npz or .parquet.
        precision: "float32", "bfloat16" or "auto", see `evaluation.embed`.

    Returns:
        How many images there are, and how many of these could not be embedded.

    Raises:
        InputError: for a mistake in any of them.
    """
    if Path(out).suffix == ".parquet":
        return embed_to_parts(encoder, data, out, precision)
    if Path(out).suffix != ".npz":
        raise InputError(f"`out` must name an .npz file, or a .parquet folder. Received: out={out}")
    check_writable(out)
    model, source = load_encoder(encoder), open_source(data, value_range=value_range_of(encoder))
    arrays = {"embeddings": embed(model, source, precision=precision), "names": np.array(source.names)}
    arrays["encoder"] = np.array(fingerprint(model))
    if source.labels is not None:
        arrays["labels"] = source.labels
    if source.class_names is not None:
        arrays["class_names"] = np.array(source.class_names)
    with atomic_path(out) as path:
        np.savez(path, **arrays)
    return len(source) + len(source.broken), len(source.broken)
