"""Ship an encoder: a SavedModel for TensorFlow Serving, a .tflite file for devices, both checked against Keras."""

from byol_keras.errors import ParityError
from byol_keras.evaluation.linear_head import LinearHead

from .card.model_card import model_card
from .card.provenance import provenance_of
from .formats.coreml import coreml
from .formats.neighbor_index import NeighborIndex
from .formats.onnx import onnx
from .formats.openvino import openvino
from .formats.saved_model import next_version, saved_model
from .formats.tflite import tflite
from .parity.checked_export import checked
from .parity.comparison import check_parity
from .parity.parity import Parity, parity_table, require_parity
from .serving import write_serving_config
from .web.page import write_web_page

__all__ = [
    "LinearHead",
    "NeighborIndex",
    "Parity",
    "ParityError",
    "check_parity",
    "checked",
    "coreml",
    "model_card",
    "next_version",
    "onnx",
    "openvino",
    "parity_table",
    "provenance_of",
    "require_parity",
    "saved_model",
    "tflite",
    "write_serving_config",
    "write_web_page",
]
