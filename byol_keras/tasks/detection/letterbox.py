"""Images of any size in the one size that a detector takes, in proportion, and boxes there and back."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ...errors import InputError

# The pyramid halves the image five times, and adds up levels that must fit.
CELL = 32


def letterbox_size(sizes: np.ndarray, image_size: int) -> tuple[int, int]:
    """The size that holds every image with its longer side scaled to `image_size`.

    Args:
        sizes: (N, 2) int, heights and widths.
        image_size: int, pixels, at least 64.

    Returns:
        (height, width), multiples of 32.

    Raises:
        InputError: for an image size below 64.

    Example:
        letterbox = bk.tasks.letterbox_size(dataset.source.sizes, image_size=256)
    """
    if image_size < 2 * CELL:
        raise InputError(f"A detector needs images of at least {2 * CELL} pixels. Received: image_size={image_size}")
    sizes = np.asarray(sizes, np.float64)
    largest = (sizes * image_size / sizes.max(axis=1, keepdims=True)).max(axis=0)
    height, width = (int(-(-side // CELL) * CELL) for side in np.round(largest))
    return height, width


def fitted_sizes(sizes: np.ndarray, letterbox: tuple[int, int]) -> np.ndarray:
    """Heights and widths of images scaled to touch the letterbox's edges, in proportion: (N, 2) int32."""
    sizes = np.asarray(sizes, np.float64)
    scale = (np.asarray(letterbox) / sizes).min(axis=1, keepdims=True)
    return np.maximum(np.round(sizes * scale), 1).astype(np.int32)


def to_letterbox(boxes: np.ndarray, size: Sequence[int], letterbox: tuple[int, int]) -> np.ndarray:
    """Boxes of an image in the letterbox.

    Args:
        boxes: (n, 4) float, left, top, right, bottom in pixels of the image.
        size: (height, width) of the image.
        letterbox: (height, width).

    Returns:
        (n, 4) float32, in pixels of the letterbox.
    """
    return (np.asarray(boxes) * _factors(size, letterbox)).astype(np.float32)


def from_letterbox(boxes: np.ndarray, size: Sequence[int], letterbox: tuple[int, int]) -> np.ndarray:
    """The other way round, cut off at the edges of the image."""
    height, width = size
    return np.clip(np.asarray(boxes) / _factors(size, letterbox), 0, [width, height, width, height]).astype(np.float32)


def _factors(size, letterbox):
    # Of the rounded size, so that boxes and pixels agree.
    height, width = fitted_sizes([size], letterbox)[0] / np.asarray(size, np.float64)
    return np.array([width, height, width, height])


def letterboxed(image: tf.Tensor, fitted_size: tf.Tensor, letterbox: tuple[int, int], normalize: Callable) -> tf.Tensor:
    """An image scaled to `fitted_size`, at the left and top of the letterbox; the rest has the mean color.

    Args:
        image: (H, W, 3) uint8 tensor; or uint16, of rasters, whose 65535 is 1.
        fitted_size: (2,) int32, see `fitted_sizes`.
        letterbox: (height, width).
        normalize: function (1, h, w, 3) float32 in [0, 1] -> the same, normalized to mean 0.

    Returns:
        (*letterbox, 3) float32.
    """
    image = tf.image.resize(tf.image.convert_image_dtype(image, tf.float32), fitted_size, antialias=True)
    image = normalize(image[None])[0]
    bottom, right = letterbox[0] - fitted_size[0], letterbox[1] - fitted_size[1]
    return tf.ensure_shape(tf.pad(image, [[0, bottom], [0, right], [0, 0]]), (*letterbox, 3))
