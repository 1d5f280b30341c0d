"""What is in a .tflite file, read from its bytes."""

import dataclasses
import struct

from byol_keras.errors import InputError
from byol_keras.utils.private_api import tflite_schema

schema = tflite_schema()


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a .tflite file."""

    shape: tuple[int | None, ...]  # None where free
    dtype: str  # "float32", "int8" or "uint8"
    scale: float | None  # of an integer: value = scale * (number - zero_point); None for floats
    zero_point: int | None


def ends(model: bytes) -> tuple[Tensor, dict[str, Tensor]]:
    """The one input of a .tflite file of this package, and its outputs by name.

    Args:
        model: the file's bytes.

    Raises:
        InputError: if they are no .tflite file, end too early, or have no signature.
    """
    flat = _parsed(model)
    tensors = flat.subgraphs[0].tensors
    outputs = {entry.name.decode(): _tensor(tensors[entry.tensorIndex]) for entry in _signature(flat).outputs}
    return _tensor(tensors[flat.subgraphs[0].inputs[0]]), outputs


def output_names(model: bytes) -> list[str]:
    """The names of a file's outputs in the signature, in the order in which the graph gives them.

    Args:
        model: the file's bytes.

    Raises:
        InputError: if they are no .tflite file, end too early, or have no signature.
    """
    flat = _parsed(model)
    names = {entry.tensorIndex: entry.name.decode() for entry in _signature(flat).outputs}
    return [names[int(index)] for index in flat.subgraphs[0].outputs]


def operations(model: bytes) -> list[str]:
    """The kinds of operation in a .tflite file.

    Args:
        model: the file's bytes.

    Returns:
        Their names, sorted, such as CONV_2D; "CUSTOM FlexErf" for one that is not built in.

    Raises:
        InputError: if they are no .tflite file, or end too early.
    """
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    found = set()
    for kind in _parsed(model).operatorCodes:
        name = names[max(kind.builtinCode, kind.deprecatedBuiltinCode)]  # old files know only the second field
        found.add(f"CUSTOM {kind.customCode.decode()}" if name == "CUSTOM" else name)
    return sorted(found)


def quantization(model: bytes) -> str:
    """How a .tflite file is quantized, read from its tensors.

    Args:
        model: the file's bytes.

    Returns:
        "none", "float16", "dynamic" or "int8". A model too small for the converter to quantize anything is "none",
        whatever was requested.

    Raises:
        InputError: if they are no .tflite file, or end too early.
    """
    flat = _parsed(model)
    constants, activations = set(), set()
    for graph in flat.subgraphs:
        for tensor in graph.tensors:
            data = flat.buffers[tensor.buffer].data
            (activations if data is None or len(data) == 0 else constants).add(tensor.type)
    if schema.TensorType.INT8 in activations:
        return "int8"
    if schema.TensorType.INT8 in constants:
        return "dynamic"
    return "float16" if schema.TensorType.FLOAT16 in constants else "none"


def _tensor(tensor) -> Tensor:
    names = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}
    # Where the converter was given a free size, shapeSignature has -1 and shape a stand-in.
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    dtype = names[tensor.type]
    shape = tuple(None if side < 0 else int(side) for side in signature)
    if dtype == "float32":
        return Tensor(shape, dtype, None, None)
    return Tensor(shape, dtype, float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0]))


def _signature(flat):
    """The one that files of this package have; files of others may have none or several."""
    signatures = flat.signatureDefs or []
    if len(signatures) != 1:
        raise InputError(
            "tflite: a file that this package wrote has one signature. Export it again. "
            f"Received: a file with {len(signatures)} signatures"
        )
    return signatures[0]


def _parsed(model: bytes):
    if model[4:8] != b"TFL3":
        raise InputError(f"tflite: this is not a .tflite file. Export it again. Received: {len(model)} bytes")
    try:
        return schema.ModelT.InitFromPackedBuf(model)
    except struct.error as error:
        raise InputError(f"tflite: the file is cut short. Export it again. Received: {len(model)} bytes") from error
