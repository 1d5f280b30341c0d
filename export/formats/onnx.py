"""An encoder as an ONNX file."""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import keras

from byol_keras.errors import InputError

from .keras_formats import write_with_keras


def onnx(encoder: keras.Model, path: str | os.PathLike, provenance: Mapping | None = None) -> Path:
    """Writes `encoder` as an ONNX file.

    The file takes and gives what the encoder does, B free; cropping and resizing are left to the caller.

    Args:
        encoder: keras.Model with one input, images (B, H, W, C) float32 in [0, 1], and one output (B, D). An encoder
            in half precision is exported as its float32 copy.
        path: the file to create, or to replace once the new one is complete; ends in ".onnx".
        provenance: what is known of the encoder, see `provenance_of`; by default what the encoder itself tells. It is
            `provenance` in the file's `metadata_props`, as JSON, and is written to PATH.json, with the file's SHA-256.

    Returns:
        The path.

    Raises:
        InputError: if tf2onnx is not installed, if the path cannot be written, or if the encoder has another form or
            operations that ONNX has not.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.onnx(encoder, "encoder.onnx")
    """
    with warnings.catch_warnings():  # tf2onnx still asks NumPy for names that it has given up
        warnings.filterwarnings("ignore", message="In the future `np", category=FutureWarning)
        return write_with_keras(encoder, path, "onnx", ".onnx", "tf2onnx", _annotate, provenance=provenance)


def _annotate(path: Path, facts: Mapping) -> None:
    import onnx

    model = onnx.load(path)
    # tf2onnx leaves what it cannot convert in the file as it is, and only logs it.
    unknown = sorted({node.op_type for node in model.graph.node if not node.domain and not onnx.defs.has(node.op_type)})
    if unknown:
        raise InputError(
            f"onnx: the encoder needs operations that ONNX has not: {', '.join(unknown)}. Replace the layers that use "
            f"them, or export another format. Received: operations={unknown}"
        )
    model.metadata_props.add(key="provenance", value=json.dumps(facts))
    onnx.save(model, path)
