"""Reading one picture inside a tf.data graph: whole, or just the crops that are needed."""

import tensorflow as tf

from ..augment.crop import resize
from .decode import decode


def _byte_loader(pictures):
    """A graph function: index -> the encoded file."""
    if pictures.encoded is not None:
        encoded = tf.constant(list(pictures.encoded))
        return lambda index: encoded[index]
    paths = tf.constant(list(pictures.paths))
    return lambda index: tf.io.read_file(paths[index])


def _decode_with_pillow(encoded):
    image = tf.numpy_function(decode, [encoded], tf.uint8)
    image.set_shape([None, None, 3])
    return image


def _decode_jpeg(encoded):
    # The exact transform, as Pillow's; TensorFlow's default is a faster and coarser one.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def whole_loader(pictures):
    """A graph function: index -> the picture, (H, W, 3) uint8."""
    load_bytes, jpeg = _byte_loader(pictures), tf.constant(pictures.jpeg)

    def load(index):
        encoded = load_bytes(index)
        return tf.cond(jpeg[index], lambda: _decode_jpeg(encoded), lambda: _decode_with_pillow(encoded))

    return load


def crop_loader(pictures, image_size):
    """A graph function: (index, boxes (V, 4) int32) -> V crops, each (S, S, 3) float32 in [0, 1].

    Of a JPEG only the crops are decoded, not the whole picture.
    """
    load_bytes, jpeg = _byte_loader(pictures), tf.constant(pictures.jpeg)

    def load(index, boxes):
        encoded, boxes = load_bytes(index), tf.unstack(boxes)

        def from_jpeg():
            return [tf.io.decode_and_crop_jpeg(encoded, b, channels=3, dct_method="INTEGER_ACCURATE") for b in boxes]

        def from_other():
            image = _decode_with_pillow(encoded)
            return [image[b[0] : b[0] + b[2], b[1] : b[1] + b[3]] for b in boxes]

        return tuple(resize(crop, image_size) for crop in tf.cond(jpeg[index], from_jpeg, from_other))

    return load
