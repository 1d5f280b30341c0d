"""An encoder for OpenVINO."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import keras

from .keras_formats import write_with_keras


def openvino(encoder: keras.Model, path: str | os.PathLike, provenance: Mapping | None = None) -> Path:
    """Writes `encoder` for OpenVINO: an .xml file, and a .bin file beside it with the weights in float32.

    The model takes and gives what the encoder does, B free; cropping and resizing are left to the caller.

    Args:
        encoder: as for `onnx`.
        path: the .xml file to create, or to replace once the new one is complete.
        provenance: as for `onnx`; it is `provenance` in the model's `rt_info`.

    Returns:
        The path.

    Raises:
        InputError: if openvino is not installed, or else as for `onnx`.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.openvino(encoder, "encoder.xml")
    """
    return write_with_keras(encoder, path, "openvino", ".xml", "openvino", _annotate, ".bin", provenance)


def _annotate(path: Path, facts: Mapping) -> None:
    """As `Model.set_rt_info` would have it written; the file with the weights stays as it is."""
    tree = ElementTree.parse(path)
    root = tree.getroot()
    info = root.find("rt_info")
    info = ElementTree.SubElement(root, "rt_info") if info is None else info
    ElementTree.SubElement(info, "provenance", value=json.dumps(facts))
    tree.write(path, encoding="utf-8", xml_declaration=True)
