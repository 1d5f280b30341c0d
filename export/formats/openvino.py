"""An encoder for OpenVINO."""

import os
from collections.abc import Mapping
from pathlib import Path

import keras

from .keras_formats import write_with_keras


def openvino(encoder: keras.Model, path: str | os.PathLike, provenance: Mapping | None = None) -> Path:
    """Writes `encoder` for OpenVINO: an .xml file, and a .bin file beside it with the weights in float32.

    The model takes and gives what the encoder does, B free; cropping and resizing are left to the caller.

    Args:
        encoder: as for `onnx`.
        path: the .xml file to create, or to replace once the new one is complete.
        provenance: as for `onnx`.

    Returns:
        The path.

    Raises:
        InputError: if openvino is not installed, or else as for `onnx`.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.openvino(encoder, "encoder.xml")
    """
    return write_with_keras(
        encoder, path, "openvino", ".xml", package="openvino", weights_suffix=".bin", provenance=provenance
    )
