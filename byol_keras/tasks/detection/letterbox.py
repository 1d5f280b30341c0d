"""Images of any size on the one size that a detector takes, and boxes there and back."""

import numpy as np
import tensorflow as tf

from ...errors import InputError

# The pyramid halves the image five times, and adds up levels that must fit.
CELL = 32


def letterbox_size(sizes, image_size):
    """The size that holds every image with its longer side scaled to `image_size`.

    Args:
        sizes: (N, 2) int, heights and widths.
        image_size: int, pixels, at least 64.

    Returns:
        (height, width), multiples of 32.

    Raises:
        InputError: for an image size below 64.
    """
    if image_size < 2 * CELL:
        raise InputError(f"A detector needs images of at least {2 * CELL} pixels. Received: image_size={image_size}")
    sizes = np.asarray(sizes, np.float64)
    largest = (sizes * image_size / sizes.max(axis=1, keepdims=True)).max(axis=0)
    return tuple(int(-(-side // CELL) * CELL) for side in np.round(largest))


def fitted_sizes(sizes, letterbox):
    """Heights and widths of images that are scaled to touch the canvas, their proportions kept: (N, 2) int32."""
    sizes = np.asarray(sizes, np.float64)
    scale = (np.asarray(letterbox) / sizes).min(axis=1, keepdims=True)
    return np.maximum(np.round(sizes * scale), 1).astype(np.int32)


def to_letterbox(boxes, size, letterbox):
    """Boxes of an image on the canvas.

    Args:
        boxes: (n, 4) float, left, top, right, bottom in pixels of the image.
        size: (height, width) of the image.
        letterbox: (height, width).

    Returns:
        (n, 4) float32, in pixels of the canvas.
    """
    return (np.asarray(boxes) * _factors(size, letterbox)).astype(np.float32)


def from_letterbox(boxes, size, letterbox):
    """The other way round, cut off at the edges of the image."""
    height, width = size
    return np.clip(np.asarray(boxes) / _factors(size, letterbox), 0, [width, height, width, height]).astype(np.float32)


def _factors(size, letterbox):
    # Of the rounded size, so that boxes and pixels agree.
    height, width = fitted_sizes([size], letterbox)[0] / np.asarray(size, np.float64)
    return np.array([width, height, width, height])


def fitted(image, fitted_size, letterbox, normalize):
    """An image scaled to `fitted_size`, at the left and top of the canvas; the rest has the mean color.

    Args:
        image: (H, W, 3) uint8 tensor.
        fitted_size: (2,) int32, see `fitted_sizes`.
        letterbox: (height, width).
        normalize: function (1, h, w, 3) float32 in [0, 1] -> the same, normalized to mean 0.

    Returns:
        (*canvas, 3) float32.
    """
    image = tf.image.resize(tf.cast(image, tf.float32) / 255, fitted_size, antialias=True)
    image = normalize(image[None])[0]
    bottom, right = letterbox[0] - fitted_size[0], letterbox[1] - fitted_size[1]
    return tf.ensure_shape(tf.pad(image, [[0, bottom], [0, right], [0, 0]]), (*letterbox, 3))
