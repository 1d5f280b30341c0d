"""Reading one picture inside a tf.data graph: whole, or just the crops that are needed."""

import tensorflow as tf

from ..augment.crop import crop_resize, sample_boxes
from ..augment.draws import split
from ..augment.pixels import to_unit_range
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


def crop_loader(pictures, image_size, views):
    """A graph function: (index, seed) -> one crop for each of `views`, (S, S, 3) float32 in [0, 1].

    Of a JPEG only the crop is decoded, not the whole picture.
    """
    load_bytes, jpeg = _byte_loader(pictures), tf.constant(pictures.jpeg)
    sizes = tf.constant(pictures.sizes, tf.int32)

    def load(index, seed):
        size = sizes[index]
        boxes = [
            sample_boxes(size[:1], size[1:], view["crop_area"], view["crop_aspect"], view_seed)[0]
            for view, view_seed in zip(views, split(seed, len(views)), strict=True)
        ]
        encoded = load_bytes(index)

        def from_jpeg():
            return [tf.io.decode_and_crop_jpeg(encoded, b, channels=3, dct_method="INTEGER_ACCURATE") for b in boxes]

        def from_other():
            image = _decode_with_pillow(encoded)
            return [image[b[0] : b[0] + b[2], b[1] : b[1] + b[3]] for b in boxes]

        cut = tf.cond(jpeg[index], from_jpeg, from_other)
        whole = [tf.stack([0, 0, b[2], b[3]])[None] for b in boxes]
        return tuple(crop_resize(to_unit_range(c)[None], w, image_size)[0] for c, w in zip(cut, whole, strict=True))

    return load
