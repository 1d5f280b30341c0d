"""The requests with which TensorFlow Serving warms a model up before it answers the first client."""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from byol_keras.utils.extras import has_extra

FILE = Path("assets.extra") / "tf_serving_warmup_requests"  # where TensorFlow Serving looks for them

# A kernel is prepared for the batch it first sees: one image, some, and the largest batch of `write_serving_config`.
BATCHES = (1, 8, 32)


def write_warm_up(
    folder: Path, model: str, signatures: Mapping[str, tf.types.experimental.ConcreteFunction], examples: np.ndarray
) -> Path | None:
    """Writes a request of each of BATCHES images for each signature as PredictionLog records of a TFRecord file.

    Args:
        folder: the version folder of a SavedModel.
        model: the name under which it will be served.
        signatures: by name; each with one input, `images` or `image_bytes`.
        examples: (N, H, W, C) uint8, repeated as needed.

    Returns:
        The file, or None where tensorflow-serving-api is not installed, since the server needs none.
    """
    if not has_extra("tensorflow_serving"):
        return None
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in _records(model, signatures, examples):
            writer.write(record)
    return path


def _records(model: str, signatures: Mapping, examples: np.ndarray) -> Iterator[bytes]:
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    for name, signature in signatures.items():
        spec = _input(signature)
        for batch in BATCHES:
            images = np.resize(examples, (batch, *examples.shape[1:]))
            if spec.dtype == tf.string:
                value = np.array([_png(image) for image in images], object)
            else:
                value = images if spec.dtype == tf.uint8 else images / np.float32(255)
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model, name
            request.inputs[spec.name].CopyFrom(tf.make_tensor_proto(value, spec.dtype))
            log = prediction_log_pb2.PredictLog(request=request)
            yield prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()


def _input(signature: tf.types.experimental.ConcreteFunction) -> tf.TensorSpec:
    (spec,) = tf.nest.flatten(signature.structured_input_signature)
    return spec


def drawn_image(height: int, width: int, channels: int) -> np.ndarray:
    """An image to warm up with where no real ones are given: a slope from dark to bright.

    Args:
        height, width, channels: of the image.

    Returns:
        (1, height, width, channels) uint8.
    """
    slope = np.linspace(0, 255, height)[:, None] / 2 + np.linspace(0, 255, width) / 2
    return np.repeat(slope.astype(np.uint8)[None, ..., None], channels, axis=3)


def _png(image: np.ndarray) -> bytes:
    """The file of an image, uint8 (H, W, 1) or (H, W, 3)."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(file, "PNG")
    return file.getvalue()
