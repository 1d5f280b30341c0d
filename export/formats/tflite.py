"""An encoder as a .tflite file for phones and boards, made of built-in operations only."""

import contextlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.errors import InputError, first_line
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import check_writable, write_files
from byol_keras.utils.private_api import tflite_converter_error
from byol_keras.utils.quiet import CONVERTING, quiet

from ..card.provenance import file_provenance, value_range_in
from ..encoder import check_dimension, check_maker, encode, image_shape
from ..graph.archive import trace, write_archive
from ..graph.int8_layers import device_layers
from ..parity.int8_warning import warn_if_far
from .calibration import calibration_images
from .mediapipe_metadata import with_mediapipe_metadata
from .tflite_metadata import sidecar, sidecar_path
from .tflite_schema import operations

QUANTIZE = ("none", "float16", "dynamic", "int8")
IO = {"float32": tf.float32, "int8": tf.int8, "uint8": tf.uint8}


def tflite(
    encoder: keras.Model,
    path: str | os.PathLike,
    *,
    quantize: str = "none",
    calibration: str | os.PathLike | np.ndarray | Iterable | None = None,
    io: str = "float32",
    batch: int | None = 1,
    head: LinearHead | None = None,
    provenance: Mapping | None = None,
    scores_only: bool = False,
) -> Path:
    """Writes `encoder` as a .tflite file, with its description as JSON beside it.

    The signature `serving_default` takes `images`, (batch, H, W, C) in [0, 1], and gives `embedding`, (batch, D), both
    float32 whatever the quantization unless `io` says otherwise. Integers stand for scale * (number - zero_point), with
    the figures in the file and in the description, PATH.json, which also has normalization, versions and SHA-256.
    MediaPipe's ImageEmbedder loads the file too, its ImageClassifier one with `scores_only`; both take one RGB image in
    float32 or uint8, and square or not they resize it to the file's size. They refuse an encoder of gray images; one of
    other channels, or with a value range in its `provenance`, makes a file without metadata for them.

    Args:
        encoder: keras.Model with one input, images (B, H, W, C) float32 in [0, 1] of fixed size, and one output (B, D).
            An encoder in half precision is exported as its float32 copy.
        path: the file to create, or to replace once the new one is complete.
        quantize: "none", float32 throughout; "float16", weights in float16, half the size; "dynamic", weights in int8,
            a quarter of the size, activations in float32; "int8", weights and activations in int8, the fastest on
            most boards.
        calibration: read for "int8" only, at least 8 images like those to come: a folder or another name of data as the
            command line takes it; an array (N, H, W, C); or an iterable or tf.data.Dataset of such batches; uint8,
            uint16 of which 65535 is 1, or float in [0, 1]. Of a folder, read in the value range of `provenance`, 256
            are used, else the first 500, resized as in evaluation.
        io: what the file takes and gives: "float32", or with quantize="int8" also "int8" or "uint8", for boards without
            floats. A uint8 input is the pixel itself.
        batch: images in a call; None leaves it free.
        head: with it the file also gives `scores`, (batch, K), the probabilities of its classes, whose names are in the
            description.
        provenance: what is known of the encoder, see `provenance_of`; by default what the encoder itself tells. It is
            the `provenance` of the description.
        scores_only: with a head: the file gives `scores` and no `embedding`, as MediaPipe's ImageClassifier asks.

    Returns:
        The path. A warning says where int8 takes too much of an encoder, if ai-edge-litert is installed to see it.

    Raises:
        InputError: if the encoder needs an operation that is not built in (the message names it), if the path cannot be
            written, or if an argument is wrong.

    Example:
        images = np.random.default_rng(0).integers(0, 256, (100, 32, 32, 3), np.uint8)
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.tflite(encoder, "encoder.tflite", quantize="int8", calibration=images)
    """
    path = Path(path)
    _check_arguments(path, quantize, calibration, io, batch)
    if scores_only and head is None:
        raise InputError("tflite: only a classifier gives scores: pass its head. Received: scores_only=True, head=None")
    check_writable(path)
    height, width, channels = image_shape(encoder)
    if height is None or width is None:
        raise InputError(
            "tflite: a .tflite file has one image size. Build the encoder with a fixed height and width. "
            f"Received: encoder={encoder.name} with input (B, {height}, {width}, {channels})"
        )
    if head is not None:
        check_maker("head", head.encoder, encoder)
    facts = file_provenance(encoder, provenance, head)
    ends, samples = value_range_in(facts), None
    if quantize == "int8":
        samples = calibration_images(calibration, height, width, channels, ends)
    encoder = cast_model(encoder, "float32")

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        embedding = encode(encoder, images)
        if head is None:
            return {"embedding": embedding}
        check_dimension("head", head.weights.shape[0], embedding.shape[1])
        scores = tf.nn.softmax(tf.matmul(embedding, head.weights) + head.bias)
        return {"scores": scores} if scores_only else {"embedding": embedding, "scores": scores}

    with device_layers(encoder) if quantize in ("dynamic", "int8") else contextlib.nullcontext():
        signature = trace(serve, tf.TensorSpec((batch, height, width, channels), tf.float32, name="images"))
    with tempfile.TemporaryDirectory() as folder, quiet(CONVERTING):
        variables = [variable.value for variable in encoder.variables]
        write_archive(variables, {"serving_default": signature}, folder)
        model = builtin_model(folder, quantize, samples, IO[io], batch or 1)
    if ends is None and channels in (1, 3):
        model = with_mediapipe_metadata(model, () if head is None else head.labels)
    described = sidecar(model, path.name, encoder, None if samples is None else len(samples), head, ends)
    described["provenance"] = facts
    write_files({path: model, sidecar_path(path): (json.dumps(described, indent=2) + "\n").encode()})
    if samples is not None and not scores_only:
        warn_if_far(path, encoder, samples)
    return path


def _check_arguments(path: Path, quantize: str, calibration: object, io: str, batch: int | None) -> None:
    if quantize not in QUANTIZE:
        raise InputError(f"tflite: quantize must be one of {', '.join(QUANTIZE)}. Received: quantize={quantize!r}")
    if quantize == "int8" and calibration is None:
        raise InputError(
            'tflite: quantize="int8" needs calibration images, some like those to come. Received: calibration=None'
        )
    if io not in IO:
        raise InputError(f"tflite: io must be one of {', '.join(IO)}. Received: io={io!r}")
    if io != "float32" and quantize != "int8":
        raise InputError(
            'tflite: only a network in int8 takes and gives integers. Use quantize="int8", or io="float32". '
            f"Received: io={io!r}, quantize={quantize!r}"
        )
    if batch is not None and (not isinstance(batch, int) or batch < 1):
        raise InputError(f"tflite: batch must be a whole number from 1, or None for any. Received: batch={batch!r}")


def builtin_model(
    folder: str, quantize: str, samples: np.ndarray | None = None, io: tf.DType = tf.float32, batch: int = 1
) -> bytes:
    """The bytes of a .tflite file of built-in operations.

    Args:
        folder: of a SavedModel with the signature `serving_default`, of one input, `images` where it is calibrated.
        quantize: one of QUANTIZE.
        samples: calibration images, each a row, for "int8".
        io: of the input and the output, for "int8".
        batch: images in a call while it is calibrated, copies of one.

    Raises:
        InputError: naming the operations that are not built in, or where the converter fails.
    """
    model = _convert(folder, quantize, samples, io, batch)
    if custom := [name for name in operations(model) if name.startswith("CUSTOM ")]:
        raise InputError(_not_built_in(custom))
    return model


def _convert(folder: str, quantize: str, samples: np.ndarray | None, io: tf.DType, batch: int) -> bytes:
    # From the SavedModel, not from the concrete function: that one leaves the variables in the graph, without values.
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if quantize != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: (
            {"images": np.repeat(sample[None], batch, axis=0)} for sample in samples
        )
        converter.inference_input_type = converter.inference_output_type = io
    try:
        with warnings.catch_warnings():  # the converter's own calibrator still uses the deprecated interpreter
            warnings.filterwarnings("ignore", message=r"\s*Warning: tf\.lite\.Interpreter is deprecated")
            return converter.convert()
    except tflite_converter_error() as error:
        names = sorted(
            entry.operator.name
            for entry in error.errors
            if entry.error_code in (entry.ERROR_NEEDS_FLEX_OPS, entry.ERROR_NEEDS_CUSTOM_OPS)
        )
        raise InputError(_not_built_in(names) if names else _not_converted(quantize, error)) from error
    except (RuntimeError, ValueError) as error:  # of the run over the calibration images
        raise InputError(_not_converted(quantize, error)) from error


def _not_converted(quantize: str, error: Exception) -> str:
    other = 'quantize="dynamic"' if quantize == "int8" else "a SavedModel"
    return (
        f"tflite: TensorFlow's converter fails on the encoder. Replace the layer that it names, or take {other}. "
        f"Received: quantize={quantize!r}, {first_line(error)}"
    )


def _not_built_in(names: list[str]) -> str:
    return (
        f"tflite: the encoder needs operations that are not built into LiteRT: {', '.join(names)}. Replace the layers "
        f"that use them, or export a SavedModel. Received: operations={names}"
    )
