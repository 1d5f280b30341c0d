"""Random numbers from seeds, the same on every device, with XLA and without.

TensorFlow picks its generator by device and compiler unless one is named; Philox runs on all of them.
"""

import random
from collections.abc import Sequence
from typing import TypeAlias

import keras
import tensorflow as tf

from ..utils.replicas import place_in_all, replica_count

GENERATOR = "philox"

# (start, total), ints or a (2,) int tensor: the images at hand are those from `start` on in a batch of `total`. None:
# they are all of it.
Part: TypeAlias = tuple[int, int] | tf.Tensor | None


def uniform(shape: Sequence[int] | tf.Tensor, seed: tf.Tensor, part: Part = None, axis: int = 0) -> tf.Tensor:
    """Float32 numbers in [0, 1) from a seed.

    Args:
        shape: of the result.
        seed: (2,) int.
        part: where the images along `axis` are a part of a batch; each gets the numbers it has in the whole batch, so
            that the size of the parts decides nothing. Images past the end get those of the last one.
        axis: int, of the images.

    Returns:
        `shape` float32.
    """
    if part is not None:
        start, total = tf.unstack(tf.cast(part, tf.int32))
        whole = [total if i == axis else length for i, length in enumerate(shape)]
        places = tf.minimum(start + tf.range(shape[axis]), total - 1)
        return tf.gather(uniform(whole, seed), places, axis=axis)
    # From bits: asked for floats, XLA takes the upper bits of each number, and TensorFlow without it the lower 23.
    bits = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg=GENERATOR)
    return tf.cast(tf.bitwise.bitwise_and(bits, tf.constant(0x7FFFFF, tf.uint32)), tf.float32) * 2.0**-23


def part_here(count: tf.Tensor) -> Part:
    """The part that a replica's `count` images, () int32, are of those of all replicas, see `place_in_all`.

    So one seed serves them all. None where there is one replica.
    """
    return None if replica_count() == 1 else tf.stack(place_in_all(count))


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """A list of `count` independent (2,) seeds from one."""
    return tf.unstack(tf.random.split(seed, count, alg=GENERATOR))


def fold_in(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    """The (2,) seed that belongs to a whole number, from one."""
    return tf.random.fold_in(seed, number, alg=GENERATOR)


def add_next_seed(layer: keras.layers.Layer, start: int | None = None) -> keras.Variable:
    """A weight for the seeds of a layer's calls, the same on all replicas: [start, calls so far], (2,) int64.

    A weight and not a SeedGenerator, whose state Keras does not save.

    Args:
        layer: to which it is added, as `next_seed`.
        start: from 0; None for one by chance.
    """
    start = random.randrange(2**31) if start is None else start
    return layer.add_weight(
        shape=(2,),
        initializer=lambda shape, dtype: tf.constant([start, 0], dtype),
        dtype="int64",
        trainable=False,
        aggregation="only_first_replica",
        name="next_seed",
    )


def take_seed(next_seed: keras.Variable) -> tf.Tensor:
    """(2,) int64, the seed of the call at hand; the next call gets another."""
    seed = tf.convert_to_tensor(next_seed)
    next_seed.assign_add([0, 1])
    return seed
