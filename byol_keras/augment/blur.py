"""Gaussian blur of batched pictures."""

import tensorflow as tf


def blur_radius(image_size):
    """Radius of the blur kernel in pixels, int((H / 10) / 2): 11 at 224 pixels, 1 at 32. It has 2 r + 1 taps."""
    return int((image_size / 10) / 2)


def gaussian_blur(lines, sigma):
    """Separable Gaussian blur with zero padding; the kernel is cut off at `blur_radius` and sums to 1.

    Rows and columns are multiplied by a band matrix each, so that every picture can have a kernel of its own. Zero
    padding darkens the border, as the authors' convolution does.

    Args:
        lines: (B, S, C, S) float32.
        sigma: (B,) float32, in pixels; 0 leaves the picture as it is.

    Returns:
        (B, S, C, S) float32.
    """
    batch, (_, size, channels, _) = tf.shape(lines)[0], lines.shape
    radius = blur_radius(size)
    # sigma 0 would divide by zero; so small a sigma gives exactly the identity.
    precision = 1.0 / (2.0 * tf.square(tf.maximum(sigma, 1e-3)))
    taps = tf.range(-radius, radius + 1, dtype=tf.float32)
    total = tf.reduce_sum(tf.exp(-tf.square(taps) * precision[:, None]), axis=1)
    offset = tf.range(size)[:, None] - tf.range(size)[None, :]
    weights = tf.exp(-tf.cast(offset * offset, tf.float32) * precision[:, None, None])
    band = tf.where(tf.abs(offset) <= radius, weights / total[:, None, None], 0.0)
    blurred = tf.matmul(band, tf.reshape(lines, [batch, size, channels * size]))
    blurred = tf.matmul(tf.reshape(blurred, [batch, size * channels, size]), band)
    return tf.reshape(blurred, [batch, size, channels, size])
