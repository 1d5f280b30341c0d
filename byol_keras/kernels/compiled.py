"""XLA for pieces of the views."""

import functools

import tensorflow as tf


def compiled(function):
    """Decorator: where a graph is built, XLA compiles `function`, which fuses its many small operations into a few.

    Each piece is compiled by itself on purpose. Together XLA would fuse them as well, and compute the weights of a sum,
    or the rows it adds up, anew for every pixel that they go into. Tensors of unknown size are left to TensorFlow,
    because XLA compiles, for seconds, for every size that comes.
    """

    @functools.wraps(function)
    def call(*tensors):
        if tf.executing_eagerly() or any(None in tensor.shape[1:] for tensor in tensors):
            return function(*tensors)
        return tf.function(function, jit_compile=True, autograph=False)(*tensors)

    return call
