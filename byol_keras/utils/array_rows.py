"""Rows of an array in memory, for a tf.data pipeline, without a copy of the array."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from .weak_numbers import number_of, with_number


def array_rows(array: np.ndarray) -> Callable:
    """A graph function that gathers rows of an array: `tf.gather(array, indices)`.

    TensorFlow makes two copies of an array that it is given as a constant, and one more when a pipeline with it begins.
    This makes none. The array is held by the function, and so by every dataset that it was mapped over; it must not
    change meanwhile.

    Args:
        array: (N, ...) of numbers.

    Returns:
        A function: indices (n,) whole numbers from 0 to N - 1 -> (n, ...) of the array's dtype.

    Example:
        rows = array_rows(images)
        batches = tf.data.Dataset.range(len(images)).batch(64).map(rows)
    """
    number = number_of(array)

    def rows(indices):
        chosen = tf.numpy_function(_chosen, [number, indices], array.dtype, stateful=False)
        return tf.ensure_shape(chosen, [*indices.shape, *array.shape[1:]])

    return rows


def _chosen(number, indices):
    return with_number(number)[indices]
