"""Pixel values: how stored images become numbers in [0, 1], and how a batch of them lies in memory.

images   (B, H, W, C)   as they come and go
lines    (B, H, C, W)   a row of one channel in one piece, which is what vector units like
columns  (B, W, C, H)   a column of one channel in one piece

A view is cropped into columns, recolored as such, and comes out of the blur as lines.
"""

import numpy as np
import tensorflow as tf


def to_unit_range(images: tf.Tensor | np.ndarray) -> tf.Tensor:
    """Float32 in [0, 1]: integers are divided by the largest value of their dtype, floats are taken as they are.

    Args:
        images: tensor or array of any shape; integer, or float in [0, 1].

    Returns:
        float32 tensor of the same shape.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype.is_integer:
        return tf.cast(images, tf.float32) * (1.0 / images.dtype.max)
    return tf.cast(images, tf.float32)


def to_nhcw(images: tf.Tensor) -> tf.Tensor:
    """Images (B, H, W, C) to lines (B, H, C, W)."""
    return tf.transpose(images, [0, 1, 3, 2])


def from_nhcw(nhcw: tf.Tensor) -> tf.Tensor:
    """Lines (B, H, C, W) to images (B, H, W, C)."""
    return tf.transpose(nhcw, [0, 1, 3, 2])


def transpose_hw(nhcw: tf.Tensor) -> tf.Tensor:
    """Lines (B, H, C, W) to columns (B, W, C, H), or columns to lines."""
    return tf.transpose(nhcw, [0, 3, 2, 1])
