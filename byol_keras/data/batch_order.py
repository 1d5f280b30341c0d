"""Which images each batch of training is made of: an order of its own for every epoch, from the run's seed alone."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ..errors import InputError
from .images import ImageSource


def steps_per_epoch(source: ImageSource, batch_size: int) -> int:
    """Whole batches in one pass over `source`; the rest is skipped, another rest each epoch.

    Args:
        source: `ImageSource`, N of them.
        batch_size: int, from 2 to N.

    Returns:
        int, N // batch_size.

    Raises:
        InputError: when there are fewer images than one batch needs, or `batch_size` is below 2.
    """
    if batch_size < 2:
        raise InputError(f"Batch normalization needs batches of at least 2. Received: batch_size={batch_size}")
    return _whole_batches(source, batch_size)


def batch_order(source: ImageSource, batch_size: int, seed: int, shuffle: bool = True) -> Callable:
    """A graph function: step -> (B,) indices of its images, every epoch in an order of its own."""
    epoch_steps, seeds = _whole_batches(source, batch_size), numbered_seeds(seed)

    def indices(step):
        epoch, place = step // epoch_steps, step % epoch_steps * batch_size + tf.range(batch_size, dtype=tf.int64)
        if not shuffle:
            return place
        return tf.random.experimental.index_shuffle(place, seeds(epoch), tf.constant(len(source) - 1, tf.int64))

    return indices


def batch_indices(source: ImageSource, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Which images of `source` the shuffled batch of a step is made of, see `two_view_batches`: (B,) int64."""
    return batch_order(source, batch_size, seed)(tf.constant(step, tf.int64)).numpy()


def numbered_seeds(seed: int) -> Callable:
    """A graph function: number -> the (2,) seed that belongs to it."""
    return lambda number: tf.stack([tf.constant(seed, tf.int64), number])


def _whole_batches(source, batch_size):
    if len(source) < batch_size:
        raise InputError(
            f"A batch of {batch_size} is larger than the data, {len(source)} images: "
            "give more images or a smaller batch_size."
        )
    return len(source) // batch_size
