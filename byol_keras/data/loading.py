"""Reading images inside a tf.data graph: whole, or just the crops that are needed."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ..augment.crop import cut, resize
from ..augment.upright import UPRIGHT, stored_box, upright, upright_square
from ..utils.weak_numbers import number_of, with_number
from .decode import decode
from .images import ImageSource

# Files that one call reads, so that handing images on costs little beside reading them.
FILES_PER_CALL = 16


def _byte_loader(source):
    """A graph function: index -> the encoded file."""
    if source.encoded is not None:
        return lambda index: _take(source.encoded, index[tf.newaxis])[0]
    paths = source.paths
    # All paths as one text, which is cut: as a tensor of strings, each takes 24 bytes more and a place in memory.
    texts, starts = tf.constant(paths.buffer), tf.constant(paths.starts)
    lengths = tf.constant(paths.ends - paths.starts)

    def load(index):
        name = tf.strings.substr(texts, starts[index], lengths[index])
        return tf.io.read_file(tf.strings.join([paths.prefix, name]))

    return load


def _take(images, indices):
    """(n,) string, some `EncodedImages`, in one call; whoever has the graph function holds them."""
    return tf.ensure_shape(tf.numpy_function(_taken, [number_of(images), indices], tf.string), indices.shape)


def _taken(number, indices):
    # Of objects: NumPy's own byte strings would lose zeros at their ends.
    contents = np.empty(len(indices), object)
    contents[:] = with_number(number).take(indices)
    return contents


def load_each(source: ImageSource, load: Callable, inputs: tuple[tf.Tensor, ...], spec: tf.TypeSpec) -> tf.Tensor:
    """In a graph, what a loader of this module gives for each of several images, which have sizes of their own.

    Encoded images are picked in one call, before the first is decoded; files are read one after the other.

    Args:
        source: `ImageSource`, which the loader was made of.
        load: `square_loader` or `crop_loader`.
        inputs: what the loader takes, the (n,) indices first, each with one more axis at the front.
        spec: of what the loader gives for one image.

    Returns:
        What the loader gives, with one more axis at the front.
    """
    if source.encoded is None:
        return tf.map_fn(lambda image: load(*image), inputs, fn_output_signature=spec)
    inputs = (*inputs, _take(source.encoded, inputs[0]))
    return tf.map_fn(lambda image: load(*image[:-1], encoded=image[-1]), inputs, fn_output_signature=spec)


def _decode_with_pillow(encoded, channels):
    image = tf.numpy_function(lambda encoded: decode(encoded, channels), [encoded], tf.uint8)
    image.set_shape([None, None, channels])
    return image


def _decode_raster(encoded, reading, channels):
    image = tf.numpy_function(lambda encoded: reading.decode(encoded, channels), [encoded], tf.uint16)
    image.set_shape([None, None, channels])
    return image


def _decode_jpeg(encoded, channels):
    # The exact transform, as Pillow's; TensorFlow's default is a faster and coarser one.
    return tf.io.decode_jpeg(encoded, channels=channels, dct_method="INTEGER_ACCURATE")


def whole_loader(source: ImageSource) -> Callable:
    """A graph function: index -> the image, (H, W, C) uint8, of rasters uint16."""
    load = _stored_loader(source)

    def whole(index):
        return tf.ensure_shape(upright(*load(index)), [None, None, source.decoded_channels])

    return whole


def square_loader(source: ImageSource, image_size: int) -> Callable:
    """A graph function: index -> the square in the middle of the image, resized: (S, S, C) float32 in [0, 1].

    Given `encoded`, () string, the image is not read anew.
    """
    load = _stored_loader(source)
    return lambda index, encoded=None: upright_square(*load(index, encoded), image_size)


def _stored_loader(source):
    """A graph function: index -> the image as its decoder gives it, (H, W, C), and its orientation."""
    load_bytes, jpeg, channels = _byte_loader(source), tf.constant(source.jpeg), source.decoded_channels
    if (reading := source.reading) is not None:
        return lambda index, encoded=None: (
            _decode_raster(load_bytes(index) if encoded is None else encoded, reading, channels),
            UPRIGHT,
        )
    # Of what Pillow decodes nothing is left to be turned.
    orientations = tf.constant(np.where(source.jpeg, source.orientations, UPRIGHT))

    def load(index, encoded=None):
        encoded = load_bytes(index) if encoded is None else encoded
        image = tf.cond(
            jpeg[index], lambda: _decode_jpeg(encoded, channels), lambda: _decode_with_pillow(encoded, channels)
        )
        return image, orientations[index]

    return load


def crop_loader(source: ImageSource, image_size: int) -> Callable:
    """A graph function: (index, boxes (V, 4) int32) -> V crops, each (S, S, C) float32 in [0, 1].

    The boxes lie in the upright image. Of a JPEG the rectangle around them is decoded, once for all of them, and not
    the whole image. Given `encoded`, () string, the image is not read anew.
    """
    load_bytes, jpeg, orientations = _byte_loader(source), tf.constant(source.jpeg), tf.constant(source.orientations)
    sizes, channels, reading = tf.constant(source.sizes, tf.int32), source.decoded_channels, source.reading

    def load(index, boxes, encoded=None):
        encoded = load_bytes(index) if encoded is None else encoded
        top_left = tf.reduce_min(boxes[:, :2], axis=0)
        around = tf.concat([top_left, tf.reduce_max(boxes[:, :2] + boxes[:, 2:], axis=0) - top_left], axis=0)

        def from_jpeg():
            stored = stored_box(around, orientations[index], sizes[index])
            block = tf.io.decode_and_crop_jpeg(encoded, stored, channels=channels, dct_method="INTEGER_ACCURATE")
            return upright(block, orientations[index])

        def from_other():
            return cut(_decode_with_pillow(encoded, channels), around)

        if reading is not None:
            image = cut(_decode_raster(encoded, reading, channels), around)
        else:
            image = tf.ensure_shape(tf.cond(jpeg[index], from_jpeg, from_other), [None, None, channels])
        inside = boxes - tf.pad(top_left, [[0, 2]])
        return tuple(resize(cut(image, box), image_size) for box in tf.unstack(inside))

    return load
