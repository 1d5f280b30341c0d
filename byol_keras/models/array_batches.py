"""Arrays as `fit` is given them, to batches that end at once."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..utils.pipeline import parallel_map


def array_batches(arrays: Any, batch_size: int, shuffle: bool) -> tf.data.Dataset | None:
    """Batches of arrays, as Keras makes them, but without autotuning, which it does not let one turn off.

    Args:
        arrays: a structure of them, (N, ...) each.
        batch_size: B; the last batch has what is left.
        shuffle: whether each pass has another order, which follows from `keras.utils.set_random_seed`.

    Returns:
        tf.data.Dataset of the same structure, (B, ...) each; None for what is no such structure, which is left to Keras
        to take or to complain of.
    """
    flat = keras.tree.flatten(arrays)
    if not all(isinstance(array, np.ndarray) and array.ndim and array.dtype.kind in "uif" for array in flat):
        return None
    if len({len(array) for array in flat}) != 1 or not len(flat[0]) or not isinstance(batch_size, int):
        return None
    indices = tf.data.Dataset.range(len(flat[0]))
    if shuffle:
        indices = indices.shuffle(len(flat[0]))
    # On the CPU, where the pipeline runs: a copy in an accelerator's memory would be fetched for every batch.
    with tf.device("CPU"):
        tensors = keras.tree.map_structure(tf.convert_to_tensor, arrays)
    batches = parallel_map(
        indices.batch(batch_size), lambda chosen: keras.tree.map_structure(lambda x: tf.gather(x, chosen), tensors)
    )
    options = tf.data.Options()
    # As Keras has it: each worker of several takes its part of the images, not of the files that there are not.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)
