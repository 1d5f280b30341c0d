"""Gaussian blur of batched pictures."""

import tensorflow as tf


def blur_radius(image_size):
    """Radius of the blur kernel in pixels, int((H / 10) / 2): 11 at 224 pixels, 1 at 32. It has 2 r + 1 taps."""
    return int((image_size / 10) / 2)


def gaussian_blur(planes, sigma):
    """Separable Gaussian blur with zero padding; the kernel is cut off at `blur_radius` and sums to 1.

    Rows and columns are multiplied by a band matrix each, so that every picture can have a kernel of its own. Zero
    padding darkens the border, as the authors' convolution does.

    Args:
        planes: (B, C, S, S) float32.
        sigma: (B,) float32, in pixels; 0 leaves the picture as it is.

    Returns:
        (B, C, S, S) float32.
    """
    size = planes.shape[2]
    offset = tf.range(size)[:, None] - tf.range(size)[None, :]
    inside = tf.abs(offset) <= blur_radius(size)
    square = tf.cast(offset * offset, tf.float32)[None]
    # sigma 0 would divide by zero; so small a sigma gives exactly the identity.
    band = tf.where(inside, tf.exp(-square / (2.0 * tf.square(tf.maximum(sigma, 1e-3)))[:, None, None]), 0.0)
    taps = tf.range(-blur_radius(size), blur_radius(size) + 1, dtype=tf.float32)[None]
    total = tf.reduce_sum(tf.exp(-tf.square(taps) / (2.0 * tf.square(tf.maximum(sigma, 1e-3)))[:, None]), axis=1)
    band = (band / total[:, None, None])[:, None]
    return tf.matmul(tf.matmul(band, planes), band)
