"""Spectrograms shifted and stretched in time and in frequency, by a box on a canvas larger than they are."""

from collections.abc import Sequence

import tensorflow as tf

from .crop import crop_resize
from .random import uniform


def virtual_boxes(
    count: int | tf.Tensor,
    size: tuple[int, int],
    canvas: tuple[int, int],
    scales: Sequence[Sequence[float]],
    seed: tf.Tensor,
) -> tf.Tensor:
    """Draws a box on the canvas for each spectrogram: height and width by themselves, each at a place that fits.

    Args:
        count: B.
        size: (F, T), of a spectrogram.
        canvas: (height, width), of the canvas.
        scales: two (low, high), for height and width: the size of a box, in sizes of a spectrogram, uniform; at most
            the canvas.
        seed: (2,) int.

    Returns:
        (B, 4) int32: top, left, height, width, on the canvas.
    """
    draws = uniform([count, 2, 2], seed)
    low, high = tf.constant(scales, tf.float32)[:, 0], tf.constant(scales, tf.float32)[:, 1]
    length, room = tf.constant(size, tf.float32), tf.constant(canvas, tf.float32)
    lengths = tf.clip_by_value(tf.round(length * (low + draws[:, 0] * (high - low))), 1.0, room)
    # A draw is below 1, so the floor is at most the last place that fits; the minimum guards against rounding.
    places = tf.minimum(tf.floor(draws[:, 1] * (room - lengths + 1.0)), room - lengths)
    return tf.cast(tf.concat([places, lengths], axis=1), tf.int32)


def canvas_crop(
    spectrograms: tf.Tensor, boxes: tf.Tensor, canvas: tuple[int, int], outside: float | tf.Tensor = 0.0
) -> tf.Tensor:
    """Lays each spectrogram in the middle of a canvas, and makes its box there as large as the spectrogram was.

    Args:
        spectrograms: (B, F, T, C) float32 in [0, 1], F and T known.
        boxes: (B, 4) int32: top, left, height, width, on the canvas.
        canvas: (height, width), at least F and T.
        outside: in [0, 1], the value of the canvas.

    Returns:
        (B, F, T, C) float32 in [0, 1], resized as `crop_resize` does.
    """
    _, height, width, _ = spectrograms.shape
    rows, columns = canvas[0] - height, canvas[1] - width
    padding = [[0, 0], [rows // 2, rows - rows // 2], [columns // 2, columns - columns // 2], [0, 0]]
    laid = tf.pad(spectrograms - outside, padding) + outside
    return crop_resize(laid, boxes, (height, width))
