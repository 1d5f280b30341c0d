"""Export an encoder for the other runtimes that Keras itself can write for: ONNX and OpenVINO."""

import importlib.util
import os
import warnings
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras.errors import InputError
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path

from ..graph.freeze import frozen
from .saved_model import check_writable, embed, image_shape, trace


def onnx(encoder: keras.Model, path: str | os.PathLike) -> Path:
    """Write `encoder` as an ONNX file and return its path.

    encoder: keras.Model with one input, images float32 (B, H, W, C) in [0, 1], and one output (B, D). An encoder in
        half precision is exported as its float32 copy.
    path: the file to create, or to replace once the new one is complete; ends in ".onnx".

    The file takes and gives what the encoder does, B free; cropping and resizing are left to the caller.

    Raises InputError if tf2onnx is not installed, if the path cannot be written, or if the encoder has another form.
    """
    return _export(encoder, Path(path), "onnx", ".onnx", "tf2onnx")


def openvino(encoder: keras.Model, path: str | os.PathLike) -> Path:
    """Write `encoder` for OpenVINO, an .xml file and a .bin file beside it, and return the path of the first.

    Arguments and errors as for `onnx`; the path ends in ".xml". The weights are stored in float32.
    """
    return _export(encoder, Path(path), "openvino", ".xml", "openvino")


def _export(encoder: keras.Model, path: Path, format: str, suffix: str, package: str) -> Path:
    if path.suffix != suffix:
        raise InputError(f"{format}: the name of the file must end in {suffix}. Received: path={path}")
    if path.is_dir():
        raise InputError(f"{format}: this is a folder. Name the file to write in it. Received: path={path}")
    if not importlib.util.find_spec(package):
        raise InputError(
            f'{format}: writing it needs {package}. Install it: pip install "byol_keras[{format}]". '
            f"Received: path={path}"
        )
    check_writable(path)
    height, width, channels = image_shape(encoder)
    encoder = cast_model(encoder, "float32")
    # tf2onnx makes inputs of the constants that a function captures, such as those of a Normalization layer. A frozen
    # function captures nothing.
    core = frozen(trace(lambda images: embed(encoder, images), tf.TensorSpec((None, height, width, channels))))
    inputs = keras.Input((height, width, channels), name="images")
    shape = tuple(core.outputs[0].shape[1:])
    layer = keras.layers.Lambda(lambda images: tf.nest.flatten(core(images))[0], shape, dtype="float32")
    model = keras.Model(inputs, layer(inputs))
    signature = [keras.InputSpec(shape=(None, height, width, channels), dtype="float32", name="images")]
    with atomic_path(path) as target:
        weights = target.with_suffix(".bin")
        try:
            with warnings.catch_warnings():  # tf2onnx still asks NumPy for names that it has given up
                warnings.filterwarnings("ignore", message="In the future `np", category=FutureWarning)
                model.export(str(target), format=format, verbose=False, input_signature=signature)
            if weights.exists():  # moved first, so that the .xml never stands without them
                weights.replace(path.with_suffix(".bin"))
        finally:
            weights.unlink(missing_ok=True)
    return path
