"""Exported files against Keras: the same images, each file in a fresh process without Keras."""

import dataclasses
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.errors import InputError, ParityError
from byol_keras.evaluation.linear_head import LinearHead, probabilities
from byol_keras.precision import cast_model
from byol_keras.utils.extras import require_extra

from ..encoder import encode, image_shape, resize_to_input
from ..formats.tflite_metadata import sidecar_path
from ..formats.tflite_schema import ends, quantization
from .accelerator import LEAST_COSINE, REFUSED, gpu_embeddings, gpu_found
from .accuracy import allowed_loss, correct_by_neighbors, loses_too_much
from .fresh_process import run_isolated
from .parity import Parity
from .predictions import compare_predictions
from .tolerance import TOLERANCE, centered_cosine, tells_apart

BATCH = 32

# By the first word of a format: the script that runs such a file, and the optional packages that it needs.
RUNNERS = {
    "saved_model": ("run_saved_model.py", ()),
    "tflite": ("run_tflite.py", ("ai_edge_litert",)),
    "onnx": ("run_onnx.py", ("onnxruntime",)),
    "openvino": ("run_openvino.py", ("openvino",)),
}


def check_parity(
    encoder: keras.Model,
    artifacts: Mapping[str, str | os.PathLike],
    images: np.ndarray,
    labeled: tuple[np.ndarray, np.ndarray] | None = None,
    head: LinearHead | None = None,
    image_size: int | None = None,
) -> list[Parity]:
    """Compares exported files with the encoder they come from.

    A .tflite file runs on the CPU, and on LiteRT's GPU accelerator as well where this machine has one. Of a file that
    gives scores alone, those are compared, on the CPU; in int8 its predictions decide.

    Args:
        encoder: the keras.Model that was exported. Its float32 copy is the reference, on the CPU.
        artifacts: for each name the version folder of a SavedModel, a .tflite or .onnx file, or OpenVINO's .xml.
        images: (N, H, W, C) uint8, N from 2; real and different ones, since noise says little about int8. A SavedModel
            gets them as they are, the others resized as in evaluation.
        labeled: images, as above, and their labels (N,) int, by which the k-NN accuracy is compared as well; more than
            20, of two classes at least.
        head: of classifiers, that with which they were exported: their predictions are compared too.
        image_size: of SavedModels of an encoder with a free height and width, that with which they were exported.

    Returns:
        One `Parity` per file; `require_parity` raises an error unless all passed.

    Raises:
        InputError: for wrong arguments, when a format's runtime is missing, or if the encoder gives every image the
            same embedding.
        ParityError: if a file does not run.

    Example:
        path = bk.export.tflite(encoder, "encoder.tflite")
        parities = bk.export.check_parity(encoder, {"device": path}, images)
        print(bk.export.parity_table(parities))
    """
    height, width, channels = image_shape(encoder)
    if image_size is not None:
        height = width = image_size
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != channels or len(images) < 2:
        raise InputError(
            f"parity: the images must be uint8 (N, H, W, {channels}), N from 2. "
            f"Received: images={images.dtype} {images.shape}"
        )
    formats = {name: _format(Path(path)) for name, path in artifacts.items()}
    for kind in sorted({kind.split()[0] for kind in formats.values()}):
        require_extra(f"parity: running a file of the format {kind}", *RUNNERS[kind][1])
    encoder = cast_model(encoder, "float32")
    resized = _resized(images, height, width)
    reference = _reference(encoder, resized)
    if not tells_apart(reference):
        raise InputError(
            "parity: the encoder gives values that are not finite, or every image the same embedding. Train it again, "
            f"or pass different images. Received: encoder={encoder.name}, images={images.shape}"
        )
    if labeled is not None:
        labeled_images, labels = labeled
        labeled_resized = _resized(labeled_images, height, width)
        correct = correct_by_neighbors(_reference(encoder, labeled_resized), labels)
    parities = []
    for name, path in artifacts.items():
        kind, path = formats[name], Path(path)
        outcome = _run(name, kind, path, images, resized)
        alone = kind in LEAST_COSINE and "embedding" not in ends(path.read_bytes())[1]
        if alone and head is None:
            raise InputError(f"parity: {name} gives scores alone: pass its head. Received: path={path}, head=None")
        parity = compare_embeddings(name, kind, path, outcome, probabilities(head, reference) if alone else reference)
        if alone and TOLERANCE[kind][0] == "cosine":  # which says nothing of images that are all of one class
            parity = dataclasses.replace(parity, tolerance="", passed=True)
        if kind in LEAST_COSINE and not alone and gpu_found():
            parity = _with_gpu(parity, gpu_embeddings(name, path, resized), reference)
        if head is not None:
            figure, required, holds = compare_predictions(name, kind, outcome, reference, head)
            passed = parity.passed and holds
            parity = dataclasses.replace(parity, predictions=figure, predictions_tolerance=required, passed=passed)
        if labeled is not None and not alone:
            outcome = _run(name, kind, path, labeled_images, labeled_resized)
            parity = _with_accuracy(parity, correct_by_neighbors(outcome["embedding"], labels), correct)
        parities.append(parity)
    return parities


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
    return resize_to_input(tf.constant(images), height, width).numpy()


def _reference(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Keras' embeddings of images float32 (N, H, W, C)."""
    with tf.device("CPU:0"):  # a GPU would compute in TF32, coarser than the tolerance
        blocks = [encode(encoder, tf.constant(images[i : i + BATCH])) for i in range(0, len(images), BATCH)]
    return np.concatenate(blocks)


def _run(name: str, kind: str, path: Path, images: np.ndarray, resized: np.ndarray) -> dict[str, np.ndarray]:
    """What the format's runner writes: of images uint8 for a SavedModel, of resized ones, float32, for the others."""
    runner, _ = RUNNERS[kind.split()[0]]
    with tempfile.TemporaryDirectory() as folder:
        images_path, out = Path(folder) / "images.npy", Path(folder) / "out.npz"
        np.save(images_path, images if kind == "saved_model" else resized)
        script = Path(__file__).parent / "runners" / runner
        run_isolated(f"{name}: {path}", script, (path.resolve(), images_path, out))
        with np.load(out) as saved:
            return dict(saved)


def compare_embeddings(
    name: str, kind: str, path: Path, outcome: dict[str, np.ndarray], reference: np.ndarray
) -> Parity:
    """What a file gave beside what Keras gives.

    Args:
        name: of the file.
        kind: its format, a key of TOLERANCE.
        path: of the file.
        outcome: what its runner wrote.
        reference: float32 (N, D), finite, not all rows equal.
    """
    embedding = outcome["embedding"]
    if embedding.shape != reference.shape:
        raise ParityError(f"{name}: {path} gives embeddings {embedding.shape}, Keras gives {reference.shape}")
    if np.isfinite(embedding).all():
        difference = np.abs(embedding - reference) / np.abs(reference).max()
        largest, mean = float(difference.max()), float(difference.mean())
        cosine = centered_cosine(embedding, reference)
    else:
        largest, mean, cosine = math.inf, math.inf, -1.0
    statistic, limit = TOLERANCE[kind]
    return Parity(
        artifact=name,
        format=kind,
        size_bytes=size_of(path) + (size_of(path.with_suffix(".bin")) if kind == "openvino" else 0),
        largest=largest,
        mean=mean,
        cosine=cosine,
        tolerance=f"largest <= {limit}" if statistic == "largest" else f"cosine >= {limit}",
        load_ms=float(outcome["load_ms"]),
        latency_ms=float(outcome["latency_ms"]),
        arena_bytes=_described_arena(path) if kind == "tflite int8" else None,
        passed=largest <= limit if statistic == "largest" else cosine >= limit,
    )


def _described_arena(path: Path) -> int | None:
    """The memory on a microcontroller that stands in the description beside a .tflite file, if there is one."""
    try:
        return json.loads(sidecar_path(path).read_text())["microcontroller"]["arena_bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _with_gpu(parity: Parity, embedding: np.ndarray, reference: np.ndarray) -> Parity:
    """embedding: (n, D) of the first n images from the accelerator, (0, 0) where it does not take the file."""
    if not len(embedding):
        return dataclasses.replace(parity, gpu_tolerance=REFUSED)
    cosine = centered_cosine(embedding, reference) if np.isfinite(embedding).all() else -1.0
    least = LEAST_COSINE[parity.format]
    passed = parity.passed and cosine >= least
    return dataclasses.replace(parity, gpu=cosine, gpu_tolerance=f"cosine >= {least}", passed=passed)


def _with_accuracy(parity: Parity, correct: np.ndarray, reference: np.ndarray) -> Parity:
    """correct, reference: (N,) bool, the labeled images that the file and Keras get right."""
    return dataclasses.replace(
        parity,
        knn=float(correct.mean()),
        knn_keras=float(reference.mean()),
        knn_tolerance=f"loss <= {allowed_loss(parity.format)} points, beyond chance",
        passed=parity.passed and not loses_too_much(parity.format, correct, reference),
    )


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder.

    Args:
        path: of the file or folder, which exists.
    """
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
