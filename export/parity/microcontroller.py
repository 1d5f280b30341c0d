"""Exported .tflite files under tflite-micro, as on a microcontroller."""

import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from byol_keras.errors import ParityError
from byol_keras.utils.extras import has_extra

from .fresh_process import run_isolated

SCRIPT = Path(__file__).parent / "runners" / "run_tflite_micro.py"


def micro_embeddings(path: Path, images: np.ndarray) -> tuple[np.ndarray, int]:
    """What a .tflite file gives under tflite-micro, and the memory that takes.

    Args:
        path: of the file.
        images: (N, H, W, C) float32 in [0, 1], of the file's size; N may be 0.

    Returns:
        (N, D) float32, and the size of the arena in bytes.

    Raises:
        ParityError: if it does not run there. Files in float16 and dynamic are refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        images_path, out = Path(folder) / "images.npy", Path(folder) / "out.npz"
        np.save(images_path, images)
        run_isolated(f"tflite-micro: {path}", SCRIPT, (path.resolve(), images_path, out))
        with np.load(out) as saved:
            return saved["embedding"], int(saved["arena_bytes"])


def micro_arena(model: bytes, shape: tuple[int | None, ...]) -> dict | None:
    """The memory that a .tflite file takes on a microcontroller, for its description.

    Args:
        model: the file's bytes, in int8.
        shape: of its input, (batch, H, W, C).

    Returns:
        `arena_bytes`, for one image where the batch is free, None where the file does not run there, and
        `measured_with`; None where tflite-micro is not installed.
    """
    if not has_extra("tflite_micro"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tflite"
        path.write_bytes(model)
        try:
            _, arena = micro_embeddings(path, np.empty((0, *shape[1:]), np.float32))
        except ParityError:  # an operation that tflite-micro has not
            arena = None
    return {"arena_bytes": arena, "measured_with": f"tflite-micro {version('tflite-micro')}"}
