"""Export an encoder as a .tflite file for phones and boards, made of built-in operations only."""

import contextlib
import os
import re
import struct
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.python.convert_phase import ConverterError

from byol_keras.atomic import written_beside
from byol_keras.errors import InputError
from byol_keras.float32_copy import float32_copy

from .calibration import calibration_images
from .saved_model import check_writable, embed, image_shape, trace, write

QUANTIZE = ("none", "float16", "dynamic", "int8")

# What a successful conversion prints, none of it about the model.
HARMLESS = re.compile(
    r"^I\d{4} |Ignored (output_format|drop_control_dependency)|^fully_quantize: |"
    r"Skipping runtime version metadata|absl::InitializeLog|Created TensorFlow Lite XNNPACK delegate"
)


def tflite(
    encoder: keras.Model,
    path: str | os.PathLike,
    *,
    quantize: str = "none",
    calibration: np.ndarray | Iterable | None = None,
) -> Path:
    """Write `encoder` as a .tflite file and return its path.

    encoder: keras.Model with one input, images float32 (B, H, W, C) in [0, 1] of fixed size, and one output (B, D).
        An encoder in half precision is exported as its float32 copy.
    path: the file to create, or to replace once the new one is complete.
    quantize: "none", float32 throughout; "float16", weights in float16, half the size; "dynamic", weights in int8,
        a quarter of the size, activations in float32; "int8", weights and activations in int8, the fastest on
        most boards.
    calibration: read for "int8" only, at least 8 images like those to come: an array (N, H, W, C), or an iterable or
        tf.data.Dataset of such batches; uint8, or float in [0, 1]. The first 500 are used, resized as in evaluation.

    The signature `serving_default` takes `images`, float32 (1, H, W, C) in [0, 1], and gives `embedding`, float32
    (1, D), whatever the quantization.

    Raises InputError if the encoder needs an operation that is not built in (the message names it), if the path
    cannot be written, or if an argument is wrong.
    """
    path = Path(path)
    if quantize not in QUANTIZE:
        raise InputError(f"tflite: quantize must be one of {', '.join(QUANTIZE)}. Received: quantize={quantize!r}")
    if quantize == "int8" and calibration is None:
        raise InputError(
            'tflite: quantize="int8" needs calibration images, some like those to come. Received: calibration=None'
        )
    check_writable(path)
    if path.is_dir():
        raise InputError(f"tflite: this is a folder. Name the file to write in it. Received: path={path}")
    height, width, channels = image_shape(encoder)
    if height is None or width is None:
        raise InputError(
            "tflite: a .tflite file has one image size. Build the encoder with a fixed height and width. "
            f"Received: encoder={encoder.name} with input (B, {height}, {width}, {channels})"
        )
    samples = calibration_images(calibration, height, width, channels) if quantize == "int8" else None
    encoder = float32_copy(encoder)

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"embedding": embed(encoder, images)}

    signature = trace(serve, tf.TensorSpec((1, height, width, channels), tf.float32, name="images"))
    with tempfile.TemporaryDirectory() as folder, _quiet():
        write(encoder, signature, folder)
        model = _convert(folder, quantize, samples)
    if custom := [name for name in operations(model) if name.startswith("CUSTOM ")]:
        raise InputError(_not_built_in(custom))
    with written_beside(path) as target:
        target.write_bytes(model)
    return path


def operations(model: bytes) -> list[str]:
    """Names of the kinds of operation in a .tflite file, such as CONV_2D; "CUSTOM FlexErf" if it is not built in."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    found = set()
    for kind in _parsed(model).operatorCodes:
        name = names[max(kind.builtinCode, kind.deprecatedBuiltinCode)]  # old files know only the second field
        found.add(f"CUSTOM {kind.customCode.decode()}" if name == "CUSTOM" else name)
    return sorted(found)


def quantization(model: bytes) -> str:
    """How a .tflite file is quantized, one of QUANTIZE, read from its tensors.

    A model too small for the converter to quantize anything is "none", whatever was asked for.
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


def _parsed(model: bytes) -> schema.ModelT:
    if model[4:8] != b"TFL3":
        raise InputError(f"tflite: this is not a .tflite file. Export it again. Received: {len(model)} bytes")
    try:
        return schema.ModelT.InitFromPackedBuf(model)
    except struct.error as error:
        raise InputError(f"tflite: the file is cut short. Export it again. Received: {len(model)} bytes") from error


def _convert(folder: str, quantize: str, samples: np.ndarray | None) -> bytes:
    # From the SavedModel, not from the concrete function: that one leaves the variables in the graph, without values.
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: ({"images": sample[None]} for sample in samples)
    try:
        with warnings.catch_warnings():  # the converter's own calibrator still uses the deprecated interpreter
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            return converter.convert()
    except ConverterError as error:
        names = sorted(
            entry.operator.name
            for entry in error.errors
            if entry.error_code in (entry.ERROR_NEEDS_FLEX_OPS, entry.ERROR_NEEDS_CUSTOM_OPS)
        )
        if not names:
            raise
        raise InputError(_not_built_in(names)) from error


def _not_built_in(names: list[str]) -> str:
    return (
        f"tflite: the encoder needs operations that are not built into LiteRT: {', '.join(names)}. Replace the layers "
        f"that use them, or export a SavedModel. Received: operations={names}"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what C++ code prints meanwhile; afterwards let through the lines that are not known as HARMLESS.

    All of it comes out if an unexpected error ends the block; an InputError says by itself what is wrong.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    streams = [(number, os.dup(number)) for number in (1, 2)]
    show = HARMLESS
    with tempfile.TemporaryFile() as held:
        for number, _ in streams:
            os.dup2(held.fileno(), number)
        try:
            yield
        except InputError:
            show = None
            raise
        except BaseException:
            show = re.compile(r"(?!)")
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, saved in streams:
                os.dup2(saved, number)
                os.close(saved)
            held.seek(0)
            if show is not None:
                lines = held.read().decode(errors="replace").splitlines(keepends=True)
                sys.stderr.write("".join(line for line in lines if not show.search(line)))
