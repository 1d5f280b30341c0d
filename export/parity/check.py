"""Check exported files against Keras: the same images, each file in a fresh process without Keras."""

import dataclasses
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.errors import InputError, ParityError
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.precision import cast_model
from byol_keras.utils.write_files import write_files

from ..formats.saved_model import embed, image_shape, resize
from ..formats.tflite_schema import quantization
from .accuracy import NEIGHBORS, Labeled, lost_too_much, may_lose, right_ones
from .predictions import compared

BATCH = 32

# By format: the statistic that decides, and its limit. Float formats differ from Keras by rounding only (seen: 1e-6;
# with float16 weights 1e-3), so their largest difference decides. Rounding to int8 moves single values by per cents and
# should leave what tells images apart, the deviation from the mean embedding, so its cosine decides. The cosine of the
# embeddings themselves would not do: behind a ReLU it was seen above 0.99 between different images. Seen on trained
# ResNets: 0.999; on a deep one with random weights: dynamic 0.994, int8 0.96.
TOLERANCE = {
    "saved_model": ("largest", 1e-4),
    "tflite none": ("largest", 1e-4),
    "tflite float16": ("largest", 1e-2),
    "tflite dynamic": ("cosine", 0.98),
    "tflite int8": ("cosine", 0.95),
    "onnx": ("largest", 1e-4),
    "openvino": ("largest", 1e-4),
}

# By the first word of a format: the script that runs such a file, what it needs, and the extra that brings that.
RUNNERS = {
    "saved_model": ("run_saved_model.py", None, None),  # TensorFlow is here
    "tflite": ("run_tflite.py", "ai_edge_litert", "tflite"),
    "onnx": ("run_onnx.py", "onnxruntime", "onnx"),
    "openvino": ("run_openvino.py", "openvino", "openvino"),
}


@dataclasses.dataclass(frozen=True)
class Parity:
    """One exported file against Keras.

    Differences are |file - Keras| divided by the largest |Keras| value over all images and dimensions, so 0.01 is one
    per cent of the widest swing. They are infinite if the file gives anything that is not finite.
    """

    artifact: str  # the name given by the caller
    format: str  # a key of TOLERANCE
    size_bytes: int
    largest: float  # largest difference
    mean: float  # mean difference
    cosine: float  # mean cosine similarity of an image's two embeddings, Keras' mean embedding subtracted from both
    tolerance: str  # what was asked, such as "largest <= 0.0001"
    load_ms: float  # time to open the file in its process, milliseconds
    latency_ms: float  # median time for one image, milliseconds
    passed: bool
    knn: float | None = None  # accuracy by the nearest others among the labeled images, 0 to 1, where there are some
    knn_keras: float | None = None  # that of Keras
    answers: float | None = None  # of a classifier: how far its answers are from Keras', see `answers.distance`
    answers_tolerance: str = ""  # what was asked, such as "largest <= 0.001"
    knn_tolerance: str = ""  # what was asked, such as "loss <= 1.0 points, beyond chance"


def check(
    encoder: keras.Model,
    artifacts: Mapping[str, str | os.PathLike],
    images: np.ndarray,
    labeled: Labeled | None = None,
    head: LinearHead | None = None,
) -> list[Parity]:
    """Compare exported files with the encoder they come from.

    encoder: the keras.Model that was exported. Its float32 copy is the reference, on the CPU, as are the files.
    artifacts: for each name the version folder of a SavedModel, a .tflite or .onnx file, or OpenVINO's .xml.
    images: uint8 (N, H, W, C), N from 2; real and different ones, since noise says little about int8. A SavedModel gets
        them as they are, the others resized as in evaluation.
    labeled: images by which the k-NN accuracy is compared as well, see `accuracy.labeled_sample`.
    head: of classifiers, that with which they were exported: their answers are compared too.

    Raises InputError for wrong arguments, when a format's runtime is missing, or if the encoder gives every image the
    same embedding; ParityError if a file does not run.
    """
    height, width, channels = image_shape(encoder)
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != channels or len(images) < 2:
        raise InputError(
            f"parity: the images must be uint8 (N, H, W, {channels}), N from 2. "
            f"Received: images={images.dtype} {images.shape}"
        )
    formats = {name: _format(Path(path)) for name, path in artifacts.items()}
    for kind in sorted({kind.split()[0] for kind in formats.values()}):
        _, package, extra = RUNNERS[kind]
        if package and not importlib.util.find_spec(package):
            raise InputError(
                f"parity: running a file of the format {kind} needs {package.replace('_', '-')}. "
                f'Install it: pip install "byol_keras[{extra}]"'
            )
    encoder = cast_model(encoder, "float32")
    compared_images = _resized(images, height, width)
    reference = _reference(encoder, compared_images)
    if not np.isfinite(reference).all() or (reference == reference[0]).all():
        raise InputError(
            "parity: the encoder gives values that are not finite, or every image the same embedding. Train it again, "
            f"or pass different images. Received: encoder={encoder.name}, images={images.shape}"
        )
    if labeled is not None:
        labeled_images = _resized(labeled.images, height, width)
        right = right_ones(_reference(encoder, labeled_images), labeled)
    parities = []
    for name, path in artifacts.items():
        kind = formats[name]
        outcome = _run(name, kind, Path(path), images, compared_images)
        parity = _compare(name, kind, Path(path), outcome, reference)
        if head is not None:
            figure, asked, kept = compared(name, kind, outcome, reference, head)
            parity = dataclasses.replace(parity, answers=figure, answers_tolerance=asked, passed=parity.passed and kept)
        if labeled is not None:
            outcome = _run(name, kind, Path(path), labeled.images, labeled_images)
            parity = _judge(parity, right_ones(outcome["embedding"], labeled), right)
        parities.append(parity)
    return parities


def require(parities: Iterable[Parity]) -> None:
    """Raise ParityError, naming the files and the figures, unless all passed."""
    failed = [_failure(parity) for parity in parities if not parity.passed]
    if failed:
        raise ParityError(f"Exported files differ from Keras. Export them again. {'; '.join(failed)}")


def table(parities: Iterable[Parity]) -> str:
    """The results as aligned text, a line per file."""
    parities = list(parities)
    judged = any(parity.knn is not None for parity in parities)
    answering = any(parity.answers is not None for parity in parities)
    accuracy = ("answers", "required") if answering else ()
    accuracy += (f"{NEIGHBORS}-NN %", "Keras %") if judged else ()
    header = ("artifact", "format", "kB", "largest", "mean", "cosine", "required", "load ms", "latency ms")
    rows = [(*header, *accuracy, "passed")]
    for parity in parities:
        figures = f"{parity.size_bytes / 1000:.0f}", f"{parity.largest:.1e}", f"{parity.mean:.1e}"
        times = f"{parity.load_ms:.1f}", f"{parity.latency_ms:.2f}"
        kept = (f"{parity.answers:.1e}", parity.answers_tolerance) if answering else ()
        kept += (_percent(parity.knn), _percent(parity.knn_keras)) if judged else ()
        cosine, passed = f"{parity.cosine:.5f}", "yes" if parity.passed else "NO"
        rows.append((parity.artifact, parity.format, *figures, cosine, parity.tolerance, *times, *kept, passed))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    words = {"artifact", "format", "required", "passed"}  # columns aligned to the left
    lines = (
        "  ".join(
            cell.ljust(width) if name in words else cell.rjust(width)
            for name, cell, width in zip(rows[0], row, widths, strict=True)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def write_json(parities: Iterable[Parity], path: str | os.PathLike) -> Path:
    """Write the results as a JSON list of objects, replacing `path`. An infinite figure becomes null."""
    path = Path(path)
    entries = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in entry.items()}
        for entry in map(dataclasses.asdict, parities)
    ]
    write_files({path: (json.dumps(entries, indent=2, allow_nan=False) + "\n").encode()})
    return path


def _format(path: Path) -> str:
    """The key of TOLERANCE for what is at `path`, read from the file itself, not from its name."""
    if (path / "saved_model.pb").is_file():
        return "saved_model"
    if not path.is_file():
        raise InputError(
            f"parity: neither a SavedModel's version folder nor a .tflite, .onnx or .xml file. Received: path={path}"
        )
    if path.suffix in (".onnx", ".xml"):  # an ONNX file does not begin with anything of its own
        return {".onnx": "onnx", ".xml": "openvino"}[path.suffix]
    return f"tflite {quantization(path.read_bytes())}"


def _resized(images: np.ndarray, height: int | None, width: int | None) -> np.ndarray:
    return resize(tf.cast(images, tf.float32) / 255.0, height, width).numpy()


def _reference(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Keras' embeddings of images float32 (N, H, W, C)."""
    with tf.device("CPU:0"):  # a GPU would compute in TF32, coarser than the tolerance
        blocks = [embed(encoder, tf.constant(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    return np.concatenate(blocks)


def _run(name: str, kind: str, path: Path, images: np.ndarray, resized: np.ndarray) -> dict[str, np.ndarray]:
    """What the format's runner writes, from a fresh isolated Python on the CPU.

    images: uint8, for a SavedModel. resized: float32, for the others.
    """
    served = kind == "saved_model"
    runner, _, _ = RUNNERS[kind.split()[0]]
    with tempfile.TemporaryDirectory() as folder:
        images_path, out = Path(folder) / "images.npy", Path(folder) / "out.npz"
        np.save(images_path, images if served else resized)
        command = [sys.executable, "-I", Path(__file__).parent / "runners" / runner, path.resolve(), images_path, out]
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
        if process.returncode:
            last = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise ParityError(
                f"{name}: {path} does not run in a fresh process (exit code {process.returncode}): {last}"
            )
        with np.load(out) as saved:
            return dict(saved)


def _compare(name: str, kind: str, path: Path, outcome: dict[str, np.ndarray], reference: np.ndarray) -> Parity:
    """reference: float32 (N, D), finite, not all rows equal."""
    embedding = outcome["embedding"]
    if embedding.shape != reference.shape:
        raise ParityError(f"{name}: {path} gives embeddings {embedding.shape}, Keras gives {reference.shape}")
    if np.isfinite(embedding).all():
        difference = np.abs(embedding - reference) / np.abs(reference).max()
        largest, mean = float(difference.max()), float(difference.mean())
        ours, theirs = embedding - reference.mean(axis=0), reference - reference.mean(axis=0)
        norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        cosine = float(np.mean((ours * theirs).sum(axis=1) / np.maximum(norms, np.finfo(np.float32).tiny)))
    else:
        largest, mean, cosine = math.inf, math.inf, -1.0
    statistic, limit = TOLERANCE[kind]
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    if kind == "openvino":
        files.append(path.with_suffix(".bin"))
    return Parity(
        artifact=name,
        format=kind,
        size_bytes=sum(file.stat().st_size for file in files),
        largest=largest,
        mean=mean,
        cosine=cosine,
        tolerance=f"largest <= {limit}" if statistic == "largest" else f"cosine >= {limit}",
        load_ms=float(outcome["load_ms"]),
        latency_ms=float(outcome["latency_ms"]),
        passed=largest <= limit if statistic == "largest" else cosine >= limit,
    )


def _judge(parity: Parity, ours: np.ndarray, reference: np.ndarray) -> Parity:
    """ours, reference: (N,) bool, the labeled images that the file and Keras get right."""
    return dataclasses.replace(
        parity,
        knn=float(ours.mean()),
        knn_keras=float(reference.mean()),
        knn_tolerance=f"loss <= {may_lose(parity.format)} points, beyond chance",
        passed=parity.passed and not lost_too_much(parity.format, ours, reference),
    )


def _failure(parity: Parity) -> str:
    figures = f"largest {parity.largest:.2g}, cosine {parity.cosine:.4f}, required {parity.tolerance}"
    if parity.answers is not None:
        figures += f"; answers {parity.answers:.2g}, required {parity.answers_tolerance}"
    if parity.knn is not None:
        figures += f"; {_percent(parity.knn)} % by {NEIGHBORS}-NN, Keras {_percent(parity.knn_keras)} %, required "
        figures += parity.knn_tolerance
    return f"{parity.artifact} ({parity.format}): {figures}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"
