"""Ship an encoder: a SavedModel for TensorFlow Serving, a .tflite file for devices, both checked against Keras.

`saved_model` and `tflite` are the functions; they hide the modules of the same name, which import as
`from byol_keras.export.formats.saved_model import next_version`.
"""

from byol_keras.errors import ParityError
from byol_keras.evaluation.linear_head import LinearHead

from . import serving
from .formats.interchange import onnx, openvino
from .formats.neighbor_index import NeighborIndex
from .formats.saved_model import next_version, saved_model
from .formats.tflite import tflite
from .parity.check import TOLERANCE, Parity, check, require, table, write_json

__all__ = [
    "TOLERANCE",
    "LinearHead",
    "NeighborIndex",
    "Parity",
    "ParityError",
    "check",
    "next_version",
    "onnx",
    "openvino",
    "require",
    "saved_model",
    "serving",
    "table",
    "tflite",
    "write_json",
]
