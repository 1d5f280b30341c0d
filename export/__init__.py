"""Ship an encoder: a SavedModel for TensorFlow Serving, a .tflite file for devices, both checked against Keras.

`saved_model` and `tflite` are the functions; they hide the modules of the same name, which import as
`from byol_keras.export.saved_model import next_version`.
"""

from byol_keras.errors import ParityError

from . import serving
from .interchange import onnx, openvino
from .linear_head import LinearHead
from .neighbour_index import NeighbourIndex
from .parity import TOLERANCE, Parity, check, require, table, write_json
from .saved_model import next_version, saved_model
from .tflite import tflite

__all__ = [
    "TOLERANCE",
    "LinearHead",
    "NeighbourIndex",
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
