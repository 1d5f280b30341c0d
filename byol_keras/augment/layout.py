"""Pixel values: how stored images become numbers in [0, 1], and how a batch of them lies in memory.

NHWC  (B, H, W, C)  as images come and go
NHCW  (B, H, C, W)  a row of one channel in one piece, which is what vector units like
NWCH  (B, W, C, H)  a column of one channel in one piece

A view is cropped into NWCH, recolored as such, and comes out of the blur as NHCW.
"""

import numpy as np
import tensorflow as tf

from ..errors import InputError

OUT_OF_RANGE = "Images as floats must be in [0, 1]: divide those of 0 to 255 by 255, normalize inside the encoder."
# Rounding, and the overshoot of a resize in half precision.
TOLERANCE = 1e-3


def to_unit_range(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Float32 in [0, 1]: uint8 is divided by 255, uint16 by 65535, floats are taken as they are.

    Args:
        images: tensor or array of any shape; uint8, uint16, or float in [0, 1].

    Returns:
        float32 tensor of the same shape.

    Raises:
        InputError: for another dtype, whose range is not known.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype not in (tf.uint8, tf.uint16) and not images.dtype.is_floating:
        raise InputError(f"Images are uint8, uint16, or float in [0, 1]. Received: dtype={images.dtype.name}")
    if images.dtype.is_integer:
        return tf.cast(images, tf.float32) * (1.0 / images.dtype.max)
    return tf.cast(images, tf.float32)


def require_unit_range(images: tf.Tensor) -> tf.Tensor:
    """The images as they are, float32 of any shape; fails where a value is not in [0, 1], or not a number.

    Raises:
        InputError: at once for eager tensors. In a graph, `tf.errors.InvalidArgumentError` when it runs, which
            `BYOL.fit` turns into an InputError.
    """
    low, high = tf.reduce_min(images), tf.reduce_max(images)
    # An empty batch has inf and -inf.
    inside = (low >= -TOLERANCE) & (high <= 1 + TOLERANCE) | tf.equal(tf.size(images), 0)
    if tf.executing_eagerly():
        if not inside:
            raise InputError(f"{OUT_OF_RANGE} Received: values from {float(low):g} to {float(high):g}")
        return images
    with tf.control_dependencies([tf.debugging.Assert(inside, [OUT_OF_RANGE, low, high])]):
        return tf.identity(images)


def to_nhcw(images: tf.Tensor) -> tf.Tensor:
    """NHWC to NHCW: (B, H, W, C) to (B, H, C, W)."""
    return tf.transpose(images, [0, 1, 3, 2])


def from_nhcw(nhcw: tf.Tensor) -> tf.Tensor:
    """NHCW to NHWC: (B, H, C, W) to (B, H, W, C)."""
    return tf.transpose(nhcw, [0, 1, 3, 2])


def transpose_hw(nhcw: tf.Tensor) -> tf.Tensor:
    """NHCW to NWCH, (B, H, C, W) to (B, W, C, H), or the other way round."""
    return tf.transpose(nhcw, [0, 3, 2, 1])
