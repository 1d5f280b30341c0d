"""What the comparison of exported files with Keras found: as a table, as JSON, as an error."""

import dataclasses
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from byol_keras.errors import ParityError
from byol_keras.utils.atomic import write_files
from byol_keras.utils.text_table import text_table

from .accuracy import NEIGHBORS


@dataclasses.dataclass(frozen=True)
class Parity:
    """One exported file against Keras.

    Differences are |file - Keras| divided by the largest |Keras| value over all images and dimensions, so 0.01 is one
    per cent of the widest swing. They are infinite if the file gives anything that is not finite.

    Attributes:
        artifact: the name given by the caller.
        format: a key of `comparison.TOLERANCE`.
        size_bytes: of the file or files.
        largest: the largest difference.
        mean: the mean difference.
        cosine: mean cosine similarity of an image's two embeddings, Keras' mean embedding subtracted from both.
        tolerance: what was required, such as "largest <= 0.0001".
        load_ms: time to open the file in its process, milliseconds.
        latency_ms: median time for one image, milliseconds.
        passed: whether all that was required holds.
        knn: accuracy by the nearest others among the labeled images, 0 to 1, where there are some.
        knn_keras: that of Keras.
        knn_tolerance: what was required, such as "loss <= 1.0 points, beyond chance".
        predictions: of a classifier: how far they are from Keras', see `predictions.prediction_distance`.
        predictions_tolerance: what was required, such as "largest <= 0.001".
        gpu: of a .tflite file where LiteRT's GPU accelerator was found: the mean cosine there, over a few images.
        gpu_tolerance: what was required, such as "cosine >= 0.95", or that the file does not run there.
        arena_bytes: of a .tflite file in int8 whose description has it: the memory that it needs on a microcontroller.
    """

    artifact: str
    format: str
    size_bytes: int
    largest: float
    mean: float
    cosine: float
    tolerance: str
    load_ms: float
    latency_ms: float
    passed: bool
    knn: float | None = None
    knn_keras: float | None = None
    knn_tolerance: str = ""
    predictions: float | None = None
    predictions_tolerance: str = ""
    gpu: float | None = None
    gpu_tolerance: str = ""
    arena_bytes: int | None = None


def require_parity(parities: Iterable[Parity]) -> None:
    """Raises an error unless all files agree with Keras.

    Args:
        parities: as `check_parity` gives them.

    Raises:
        ParityError: with the names of the files that do not, and their figures.

    Example:
        bk.export.require_parity(bk.export.check_parity(encoder, {"device": "encoder.tflite"}, images))
    """
    failed = [_failure(parity) for parity in parities if not parity.passed]
    if failed:
        raise ParityError(f"Exported files differ from Keras. Export them again. {'; '.join(failed)}")


def parity_table(parities: Iterable[Parity]) -> str:
    """The results as aligned text, a line per file.

    Args:
        parities: as `check_parity` gives them.

    Example:
        print(bk.export.parity_table(bk.export.check_parity(encoder, {"device": "encoder.tflite"}, images)))
    """
    parities = list(parities)
    has_knn = any(parity.knn is not None for parity in parities)
    has_predictions = any(parity.predictions is not None for parity in parities)
    has_gpu = any(parity.gpu_tolerance for parity in parities)
    has_arena = any(parity.arena_bytes for parity in parities)
    header = ["artifact", "format", "kB", "largest", "mean", "cosine", "required", "load ms", "latency ms"]
    header += ["arena kB"] if has_arena else []
    header += ["on the GPU", "required"] if has_gpu else []
    header += ["predictions", "required"] if has_predictions else []
    header += [f"{NEIGHBORS}-NN %", "Keras %"] if has_knn else []
    rows = []
    for parity in parities:
        row = [parity.artifact, parity.format, f"{parity.size_bytes / 1000:.0f}", f"{parity.largest:.1e}"]
        row += [f"{parity.mean:.1e}", f"{parity.cosine:.5f}", parity.tolerance]
        row += [f"{parity.load_ms:.1f}", f"{parity.latency_ms:.2f}"]
        row += [f"{parity.arena_bytes / 1000:.0f}" if parity.arena_bytes else ""] if has_arena else []
        row += ["" if parity.gpu is None else f"{parity.gpu:.5f}", parity.gpu_tolerance] if has_gpu else []
        row += [f"{parity.predictions:.1e}", parity.predictions_tolerance] if has_predictions else []
        row += [_percent(parity.knn), _percent(parity.knn_keras)] if has_knn else []
        rows.append([*row, "yes" if parity.passed else "NO"])
    return text_table([*header, "passed"], rows, left={"artifact", "format", "required", "passed"})


def write_parity(parities: Iterable[Parity], path: str | os.PathLike) -> Path:
    """Writes the results as a JSON list of objects, replacing `path`. An infinite figure becomes null.

    Args:
        parities: as `check_parity` gives them.
        path: of the file.

    Returns:
        The path.

    Raises:
        InputError: if it cannot be written.
    """
    path = Path(path)
    entries = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in entry.items()}
        for entry in map(dataclasses.asdict, parities)
    ]
    write_files({path: (json.dumps(entries, indent=2, allow_nan=False) + "\n").encode()})
    return path


def _failure(parity: Parity) -> str:
    figures = f"largest {parity.largest:.2g}, cosine {parity.cosine:.4f}, required {parity.tolerance}"
    if parity.predictions is not None:
        figures += f"; predictions {parity.predictions:.2g}, required {parity.predictions_tolerance}"
    if parity.gpu is not None:
        figures += f"; on the GPU cosine {parity.gpu:.4f}, required {parity.gpu_tolerance}"
    if parity.knn is not None:
        figures += f"; {_percent(parity.knn)} % by {NEIGHBORS}-NN, Keras {_percent(parity.knn_keras)} %, required "
        figures += parity.knn_tolerance
    return f"{parity.artifact} ({parity.format}): {figures}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
