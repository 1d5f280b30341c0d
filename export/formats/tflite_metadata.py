"""The JSON file beside a .tflite file: all that a device team must know to use it."""

import dataclasses
import hashlib
import os
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras._version import __version__
from byol_keras.evaluation.linear_head import LinearHead

from ..card.provenance import normalization
from ..parity.microcontroller import micro_arena
from .tflite_schema import Tensor, ends, quantization


def sidecar_path(path: str | os.PathLike) -> Path:
    """Where the description of a .tflite file lies.

    Args:
        path: of the .tflite file, encoder.tflite.

    Returns:
        Its path with .json at the end: encoder.tflite.json.
    """
    path = Path(path)
    return path.with_name(path.name + ".json")


def sidecar(
    model: bytes,
    name: str,
    encoder: keras.Model,
    calibrated_on: int | None,
    head: LinearHead | None = None,
    value_range: tuple[float, float] | None = None,
) -> dict:
    """The description of a .tflite file, ready for JSON.

    Args:
        model: the file's bytes.
        name: the file's name.
        encoder: the keras.Model that it was made of.
        calibrated_on: number of calibration images, None where there were none.
        head: the classes of a classifier.
        value_range: the numbers in files that the encoder gets as 0 and 1, where they are not all of 8 or 16 bits.
    """
    source, results = ends(model)
    pixel = "pixel / 255, of 16 bits / 65535" if value_range is None else "(value - low) / (high - low) of value_range"
    square = source.shape[1] == source.shape[2]
    described = {
        "file": name,
        "sha256": hashlib.sha256(model).hexdigest(),
        "size_bytes": len(model),
        "quantization": quantization(model),
        "calibration_images": calibrated_on,
        "signature": "serving_default",
        "input": {
            "name": "images",
            **_described(source),
            "axes": "batch, height, width, channels",
            "channels": {1: "gray", 3: "RGB"}.get(source.shape[3], f"{source.shape[3]} channels"),
            "range": [0.0, 1.0],
            "meaning": f"{pixel}; where dtype is an integer, the number that stands for it",
            "value_range": None if value_range is None else list(value_range),
            "resize": "central square, bicubic, antialiased" if square else "none: images of this size only",
            "exif_orientation": "applied to files",
        },
        "normalization": normalization(encoder),
        "versions": {"byol_keras": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
    }
    if described["quantization"] == "int8" and (memory := micro_arena(model, source.shape)):
        described["microcontroller"] = memory
    if "embedding" in results:
        described["output"] = {"name": "embedding", **_described(results["embedding"]), "axes": "batch, dimension"}
    if head is not None:
        scores = {"name": "scores", **_described(results["scores"]), "axes": "batch, class"}
        described["scores"] = {**scores, "meaning": "probabilities", "labels": list(head.labels)}
    return described


def sound_sidecar(model: bytes, name: str, encoder: keras.Model, sample_rate: int) -> dict:
    """As `sidecar`, of a file that takes samples.

    Args:
        model, name, encoder: as there.
        sample_rate: of the samples.
    """
    source, results = ends(model)
    return {
        "file": name,
        "sha256": hashlib.sha256(model).hexdigest(),
        "size_bytes": len(model),
        "quantization": quantization(model),
        "signature": "serving_default",
        "input": {
            "name": "samples",
            **_described(source),
            "axes": "batch, sample",
            "channels": "one, the mean of those of a recording",
            "range": [-1.0, 1.0],
            "sample_rate": sample_rate,
            "seconds": source.shape[1] / sample_rate,
            "meaning": "the middle of a recording; a shorter one gets zeros at both ends",
        },
        "normalization": normalization(encoder),
        "versions": {"byol_keras": __version__, "keras": keras.__version__, "tensorflow": tf.__version__},
        "output": {"name": "embedding", **_described(results["embedding"]), "axes": "batch, dimension"},
    }


def _described(tensor: Tensor) -> dict:
    described = dataclasses.asdict(tensor)
    quantized = {"scale": described.pop("scale"), "zero_point": described.pop("zero_point")}
    return {**described, "quantization": None if tensor.scale is None else quantized}
