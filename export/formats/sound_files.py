"""An encoder of recordings as files that take samples: the log-mel front end and the network in one."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras.errors import InputError
from byol_keras.losses import l2_normalize
from byol_keras.models.log_mel import LogMel, hop_length
from byol_keras.models.mel_input import mel_rate
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path, check_writable, write_files
from byol_keras.utils.quiet import quiet

from ..card.model_card import write_card
from ..card.provenance import file_provenance
from ..encoder import encode
from ..graph.archive import trace, write_archive
from ..graph.inference import inference_graph
from .saved_model import check_version
from .tflite import CONVERTING, builtin_model
from .tflite_metadata import sidecar_path, sound_sidecar

# Others would round the samples, or the kernels of the Fourier transform, which quiet sounds do not survive.
QUANTIZE = ("none", "float16")


def sound_model(encoder: keras.Model) -> keras.Model:
    """An encoder of recordings with its front end.

    Args:
        encoder: keras.Model (B, 64, frames, 1) -> (B, D) that says its sample rate, see `resnet`.

    Returns:
        keras.Model, samples (B, frames * hop) float32 in [-1, 1] -> (B, D) float32; 96 frames are 0.96 s.

    Raises:
        InputError: for an encoder of images.
    """
    rate = mel_rate(encoder)
    if rate is None:
        raise InputError(f"The encoder {encoder.name!r} takes images: export it as one of these.")
    encoder = cast_model(encoder, "float32")
    samples = keras.Input((encoder.input_shape[2] * hop_length(rate),), name="samples")
    return keras.Model(samples, encoder(LogMel(rate, name="log_mel")(samples)), name=encoder.name)


def sound_saved_model(encoder: keras.Model, path: str | os.PathLike, provenance: Mapping | None = None) -> Path:
    """Writes an encoder of recordings as a SavedModel that TensorFlow Serving loads.

    Its one signature, `serving_default`, takes `samples` (B, n) float32 in [-1, 1], one channel at the encoder's sample
    rate, and gives `embedding` (B, D) float32 and `embedding_normalized`, of length 1. n is what the encoder hears at
    once: 15,360 for 0.96 s at 16,000 Hz. No other length is taken: cut the middle out of a longer recording
    before, and put zeros at both ends of a shorter one.

    Args:
        encoder: see `sound_model`.
        path: the folder to create. Its last part is the version, an integer from 1.
        provenance: as for `saved_model`.

    Returns:
        The path.

    Raises:
        InputError: for an encoder of images, or a path that has no version, exists already or cannot be written.

    Example:
        bk.export.sound_saved_model(run.encoder, "serving/encoder/1")
    """
    path = Path(path)
    check_version(path)
    check_writable(path)
    facts, model = file_provenance(encoder, provenance), sound_model(encoder)
    spec = tf.TensorSpec(model.input_shape, tf.float32, name="samples")
    core = inference_graph(model, lambda samples: encode(model, samples), spec)

    def serve(samples: tf.Tensor) -> dict[str, tf.Tensor]:
        samples = tf.ensure_shape(samples, spec.shape)
        # oneDNN's convolutions fail on an empty batch: it gets one of silence, whose embedding is cut off.
        count = tf.shape(samples)[0]
        embedding = tf.nest.flatten(core(tf.pad(samples, [[0, tf.cast(count == 0, tf.int32)], [0, 0]])))[0][:count]
        return {"embedding": embedding, "embedding_normalized": l2_normalize(embedding)}

    with atomic_path(path) as target:
        write_archive(core.graph.variables, {"serving_default": trace(serve, spec)}, target)
        write_card(target, facts)
    return path


def sound_tflite(
    encoder: keras.Model, path: str | os.PathLike, quantize: str = "none", provenance: Mapping | None = None
) -> Path:
    """Writes an encoder of recordings as a .tflite file of built-in operations, with its description beside it.

    The signature `serving_default` takes `samples` (1, n) and gives `embedding` (1, D), as `sound_saved_model`.

    Args:
        encoder: see `sound_model`.
        path: the file to create, or to replace once the new one is complete.
        quantize: "none", or "float16", weights in float16, half the size.
        provenance: as for `tflite`.

    Returns:
        The path.

    Raises:
        InputError: for an encoder of images, another quantization, or a path that cannot be written.

    Example:
        bk.export.sound_tflite(run.encoder, "encoder.tflite")
    """
    path = Path(path)
    if quantize not in QUANTIZE:
        raise InputError(
            "A .tflite file that takes samples is in float32 or float16: int8 has too few levels for the powers of "
            f"sounds. Received: quantize={quantize!r}"
        )
    check_writable(path)
    facts, model = file_provenance(encoder, provenance), sound_model(encoder)
    spec = tf.TensorSpec((1, model.input_shape[1]), tf.float32, name="samples")
    signature = trace(lambda samples: {"embedding": encode(model, samples)}, spec)
    with tempfile.TemporaryDirectory() as folder, quiet(CONVERTING):
        write_archive([variable.value for variable in model.variables], {"serving_default": signature}, folder)
        content = builtin_model(folder, quantize)
    described = {**sound_sidecar(content, path.name, encoder, mel_rate(encoder)), "provenance": facts}
    write_files({path: content, sidecar_path(path): (json.dumps(described, indent=2) + "\n").encode()})
    return path
