"""Gaussian blur of batched images."""

import tensorflow as tf

from .crop import weighted_rows
from .layout import transpose_hw


def blur_radius(image_size: int) -> int:
    """Radius of the blur kernel in pixels, int((H / 10) / 2): 11 at 224 pixels, 1 at 32. It has 2 r + 1 taps."""
    return int((image_size / 10) / 2)


def gaussian_blur(nwch: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Separable Gaussian blur with zero padding; the kernel is cut off at `blur_radius` and sums to 1.

    Every image has a kernel of its own. Zero padding darkens the border, as the authors' convolution does.

    Args:
        nwch: (B, W, C, H) float32, W = H = S, see `layout`.
        sigma: (B,) float32, in pixels; 0 leaves the image as it is.

    Returns:
        (B, H, C, W) float32.
    """
    size, channels = nwch.shape[1:3]
    offsets = tf.range(-blur_radius(size), blur_radius(size) + 1)
    # sigma 0 would divide by zero; so small a sigma gives exactly the identity.
    precision = 1.0 / (2.0 * tf.square(tf.maximum(sigma, 1e-3)))
    kernels = tf.exp(-tf.cast(offsets * offsets, tf.float32) * precision[:, None])
    kernels /= tf.reduce_sum(kernels, axis=1, keepdims=True)
    source = tf.range(size)[:, None] + offsets
    weights = tf.where((source >= 0) & (source < size), kernels[:, None, :], 0.0)
    indices = tf.broadcast_to(tf.clip_by_value(source, 0, size - 1), tf.shape(weights))

    def along_first_axis(images):
        rows = weighted_rows(tf.reshape(images, [-1, size, channels * size]), indices, weights)
        return tf.reshape(rows, [-1, size, channels, size])

    # Whole rows are added, so that memory is read in order; between the two axes the image is transposed.
    return along_first_axis(transpose_hw(along_first_axis(nwch)))
