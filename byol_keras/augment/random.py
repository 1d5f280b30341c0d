"""Random numbers from seeds, the same on every device, with XLA and without.

TensorFlow picks its generator by device and compiler unless it is told which; Philox runs on all of them.
"""

from collections.abc import Sequence

import tensorflow as tf

GENERATOR = "philox"


def uniform(shape: Sequence[int] | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Float32 numbers in [0, 1), of `shape`, from a (2,) int seed."""
    # From bits: asked for floats, XLA takes the upper bits of each number, and TensorFlow without it the lower 23.
    bits = tf.random.stateless_uniform(shape, seed, minval=None, maxval=None, dtype=tf.uint32, alg=GENERATOR)
    return tf.cast(tf.bitwise.bitwise_and(bits, tf.constant(0x7FFFFF, tf.uint32)), tf.float32) * 2.0**-23


def split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    """A list of `count` independent (2,) seeds from one."""
    return tf.unstack(tf.random.split(seed, count, alg=GENERATOR))


def fold_in(seed: tf.Tensor, number: int | tf.Tensor) -> tf.Tensor:
    """The (2,) seed that belongs to a whole number, from one."""
    return tf.random.fold_in(seed, number, alg=GENERATOR)
