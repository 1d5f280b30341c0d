"""Crops and resizing.

A crop is a box and a resize: of images in memory `random_boxes` and `crop_nwch` (`view.py`), of files `sample_boxes`
before they are decoded, and then `resize` (`data/loading.py`).
"""

from collections.abc import Sequence

import tensorflow as tf

from ..kernels.xla import compiled
from .layout import to_unit_range
from .random import Part, uniform

# A box that does not fit is drawn again, as TensorFlow's sample_distorted_bounding_box and torchvision do.
ATTEMPTS = 10


def sample_boxes(
    heights: tf.Tensor,
    widths: tf.Tensor,
    area: Sequence[float],
    aspect: Sequence[float],
    seed: tf.Tensor,
    part: Part = None,
) -> tf.Tensor:
    """Draws a random box for each image: area uniform, aspect ratio log-uniform, position uniform.

    Of ten draws the first that fits is taken; where none fits, the last, cut to the image.

    Args:
        heights, widths: (B,) int32, the images' sizes in pixels.
        area: (low, high), share of the image's area.
        aspect: (low, high), width / height.
        seed: (2,) int32.
        part: of which batch these images are a part, see `random.uniform`.

    Returns:
        (B, 4) int32: top, left, height, width, in whole pixels, inside the image.
    """
    height, width = tf.cast(heights, tf.float32)[:, None], tf.cast(widths, tf.float32)[:, None]
    draws = uniform([tf.shape(heights)[0], ATTEMPTS, 4], seed, part)
    size = height * width * (area[0] + draws[..., 0] * (area[1] - area[0]))
    log_low, log_high = tf.math.log(float(aspect[0])), tf.math.log(float(aspect[1]))
    ratio = tf.exp(log_low + draws[..., 1] * (log_high - log_low))
    box_height, box_width = tf.round(tf.sqrt(size / ratio)), tf.round(tf.sqrt(size * ratio))
    fits = (box_height <= height) & (box_width <= width)
    # argmax takes the first of equals; where nothing fits the last draw stands in.
    chosen = tf.where(tf.reduce_any(fits, axis=1), tf.argmax(tf.cast(fits, tf.int32), axis=1), ATTEMPTS - 1)
    box_height = tf.clip_by_value(tf.gather(box_height, chosen, batch_dims=1), 1.0, height[:, 0])
    box_width = tf.clip_by_value(tf.gather(box_width, chosen, batch_dims=1), 1.0, width[:, 0])
    where = tf.gather(draws, chosen, batch_dims=1)
    # A draw is below 1, so the floor is at most the last place that fits; the minimum guards against rounding.
    top = tf.minimum(tf.floor(where[:, 2] * (height[:, 0] - box_height + 1)), height[:, 0] - box_height)
    left = tf.minimum(tf.floor(where[:, 3] * (width[:, 0] - box_width + 1)), width[:, 0] - box_width)
    return tf.cast(tf.stack([top, left, box_height, box_width], axis=1), tf.int32)


def crop_resize(images: tf.Tensor, boxes: tf.Tensor, image_size: int | tuple[int, int]) -> tf.Tensor:
    """Cuts a box out of each image and resizes it, bicubic, antialiased where it shrinks.

    The filter is Pillow's and torchvision's: Keys' cubic with a = -0.5, stretched by the factor of shrinking, taking
    nothing from outside the box. The authors' resize does not antialias; the two differ only where a box is larger
    than S, where theirs would leave most of a large photograph's pixels out. Each image is multiplied by two
    interpolation matrices, which costs the same on any device however the boxes lie.

    Args:
        images: (B, H, W, C) float32 in [0, 1].
        boxes: (B, 4) int32: top, left, height, width.
        image_size: int, S; or a height and a width.

    Returns:
        (B, S, S, C) float32, clipped to [0, 1].
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    rows = _interpolation(boxes[:, 0], boxes[:, 2], tf.shape(images)[1], height)
    columns = _interpolation(boxes[:, 1], boxes[:, 3], tf.shape(images)[2], width)
    planes = tf.transpose(images, [0, 3, 1, 2])
    planes = tf.matmul(tf.matmul(rows[:, None], planes), columns[:, None], transpose_b=True)
    return tf.clip_by_value(tf.transpose(planes, [0, 2, 3, 1]), 0.0, 1.0)


def crop_nwch(images: tf.Tensor, boxes: tf.Tensor, image_size: int) -> tf.Tensor:
    """`crop_resize` of images of known height and width, as NWCH (B, S, C, S): width, channels, height.

    Of the matrices' entries only those that are not zero take part, which compiled code reads several times quicker.
    """
    _, height, width, channels = images.shape
    rows = weighted_rows(
        tf.reshape(images, [-1, height, width * channels]), *_taps(boxes[:, 0], boxes[:, 2], height, image_size)
    )
    nwch = tf.transpose(tf.reshape(rows, [-1, image_size, width, channels]), [0, 2, 3, 1])
    nwch = weighted_rows(
        tf.reshape(nwch, [-1, width, channels * image_size]), *_taps(boxes[:, 1], boxes[:, 3], width, image_size)
    )
    return tf.clip_by_value(tf.reshape(nwch, [-1, image_size, channels, image_size]), 0.0, 1.0)


@compiled
def weighted_rows(rows: tf.Tensor, indices: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Sums of a few rows: out[b, i] = sum over k of weights[b, i, k] * rows[b, indices[b, i, k]].

    Args:
        rows: (B, N, R) float32.
        indices: (B, S, K) int32, from 0 to N - 1.
        weights: (B, S, K) float32.

    Returns:
        (B, S, R) float32.
    """
    taps = zip(tf.unstack(indices, axis=2), tf.unstack(weights, axis=2), strict=True)
    return tf.add_n([weight[..., None] * tf.gather(rows, index, batch_dims=1) for index, weight in taps])


def resize(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """`crop_resize` of one whole image of any size, by TensorFlow's kernel, which XLA does not have.

    Args:
        image: (H, W, C) uint8 or float32.
        image_size: int, S.

    Returns:
        (S, S, C) float32 in [0, 1].
    """
    columns = _resize_rows(tf.transpose(_resize_rows(image, image_size), [1, 0, 2]), image_size)
    resized = tf.transpose(columns, [1, 0, 2])
    scale = 1.0 / image.dtype.max if image.dtype.is_integer else 1.0
    return tf.clip_by_value(tf.ensure_shape(resized * scale, [image_size, image_size, image.shape[-1]]), 0.0, 1.0)


def _resize_rows(image, size):
    """(N, W, C) to (size, W, C) float32."""
    shape = tf.shape(image)
    # As an image one pixel wide with W * C channels: the kernel is quick on many channels and slow on three.
    rows = tf.raw_ops.ScaleAndTranslate(
        images=tf.reshape(image, [1, shape[0], 1, shape[1] * shape[2]]),
        size=tf.constant([size, 1]),
        scale=tf.stack([size / tf.cast(shape[0], tf.float32), 1.0]),
        translation=tf.zeros([2]),
        kernel_type="keyscubic",
        antialias=True,
    )
    return tf.reshape(rows, [size, shape[1], shape[2]])


def random_boxes(
    images: tf.Tensor, area: Sequence[float], aspect: Sequence[float], seed: tf.Tensor, part: Part = None
) -> tf.Tensor:
    """A box for each of `images` (B, H, W, C), see `sample_boxes`."""
    shape = tf.shape(images)
    return sample_boxes(tf.fill([shape[0]], shape[1]), tf.fill([shape[0]], shape[2]), area, aspect, seed, part)


def flip(images: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Mirrors left and right the images (B, H, W, C) where `chosen` (B,) bool."""
    return tf.where(chosen[:, None, None, None], tf.reverse(images, [2]), images)


def _interpolation(start, length, source_size, target_size):
    """(B, target_size, source_size) float32: row o holds the weights that output pixel o gives the source pixels."""
    center, support = _centers(start, length, target_size)
    source = tf.range(tf.cast(source_size, tf.float32))
    return _weights(source - center, support, source, start, length)


def _taps(start, length, source_size, target_size):
    """The entries of `_interpolation` that are not zero: which source pixels (B, S, K) int32, and their weights."""
    center, support = _centers(start, length, target_size)
    # The cubic reaches two pixels to either side, or two times the factor of shrinking.
    count = int(4 * max(source_size / target_size, 1.0)) + 1
    source = tf.math.ceil(center - 2.0 * support) + tf.range(count, dtype=tf.float32)
    weights = _weights(source - center, support, source, start, length)
    return tf.cast(tf.clip_by_value(source, 0.0, source_size - 1.0), tf.int32), weights


def _centers(start, length, target_size):
    """Each output pixel's center in source pixels, (B, S, 1), and the stretch of the filter, (B, 1, 1)."""
    scale = tf.cast(length, tf.float32)[:, None, None] / target_size
    output = tf.range(target_size, dtype=tf.float32)[None, :, None]
    return tf.cast(start, tf.float32)[:, None, None] + (output + 0.5) * scale - 0.5, tf.maximum(scale, 1.0)


def _weights(distance, support, source, start, length):
    """Cubic weights of source pixels at signed distances, none outside the box, that sum to 1 over the last axis."""
    start, length = tf.cast(start, tf.float32)[:, None, None], tf.cast(length, tf.float32)[:, None, None]
    inside = (source >= start) & (source < start + length)
    weights = tf.where(inside, _cubic(tf.abs(distance) / support), 0.0)
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def _cubic(distance):
    """Keys' cubic convolution kernel with a = -0.5, at a distance >= 0 in pixels (Keys 1981)."""
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    return tf.where(distance < 1.0, near, tf.where(distance < 2.0, far, 0.0))


def central_box(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """The largest square in the middle of an image: (4,) int32, top, left, height, width.

    Args:
        height, width: () int32, of the image in pixels.
    """
    side = tf.minimum(height, width)
    return tf.stack([(height - side) // 2, (width - side) // 2, side, side])


def cut(images: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """A box cut out of one image, or of each of several.

    Args:
        images: (..., H, W, C), of any type.
        box: (4,) int32: top, left, height, width.

    Returns:
        (..., height, width, C).
    """
    return images[..., box[0] : box[0] + box[2], box[1] : box[1] + box[3], :]


def central_resize(images: tf.Tensor, image_size: int) -> tf.Tensor:
    """What evaluation and serving do to an image: the central square, resized like a crop.

    Args:
        images: (B, H, W, C) float32 in [0, 1], or uint8, of which only the square is made float.
        image_size: int, S.

    Returns:
        (B, S, S, C) float32 in [0, 1]; the images as they are when they have that size.
    """
    if images.shape[1] == image_size and images.shape[2] == image_size:
        return to_unit_range(images)
    squares = to_unit_range(cut(images, central_box(tf.shape(images)[1], tf.shape(images)[2])))
    count, side = tf.shape(squares)[0], tf.shape(squares)[1]
    return crop_resize(squares, tf.tile([[0, 0, side, side]], [count, 1]), image_size)
