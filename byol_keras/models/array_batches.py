"""Arrays as `fit` is given them, to batches that end at once."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..utils.array_rows import array_rows
from ..utils.pipeline import parallel_map

# Arguments of `fit` and its kin that weigh or divide arrays, which is then left to Keras.
LEFT_TO_KERAS = ("sample_weight", "class_weight", "validation_split", "steps_per_epoch", "steps")


def in_batches(
    given: tuple, args: Sequence[Any], kwargs: MutableMapping[str, Any], shuffle: bool = False
) -> tuple[Any, ...]:
    """The positional arguments of `fit` and its kin, with arrays as the batches that `array_batches` makes of them.

    Args:
        given: (x,) or (x, y), y None where there is none.
        args: the positional arguments behind these; with some, all is left to Keras.
        kwargs: the others; what was used up is taken out, and arrays of `validation_data` are made batches of as well.
        shuffle: whether the order may change, unless `kwargs` says otherwise.

    Returns:
        tuple, in the place of `given` and `args`.
    """
    # As Keras: tf.data would stack the arrays of a list.
    given = tuple(keras.tree.lists_to_tuples(part) for part in given)
    batch_size, arrays = kwargs.get("batch_size") or 32, tuple(part for part in given if part is not None)
    batches = None
    if not args and all(kwargs.get(name) is None for name in LEFT_TO_KERAS):
        batches = array_batches(arrays, batch_size, shuffle and kwargs.get("shuffle", True))
    if batches is None:
        return (*given, *args)
    given_size = kwargs.pop("batch_size", None)
    if shuffle:
        kwargs["shuffle"] = False  # Keras warns that it does not do it
    if kwargs.get("validation_data") is not None:
        _hold_out(kwargs, given_size)
    return (batches,)


def _hold_out(kwargs, batch_size):
    """Makes batches of the arrays of `validation_data`; where these are left to Keras, it is told their size."""
    size, held_out = kwargs.get("validation_batch_size") or batch_size, kwargs["validation_data"]
    held_out = keras.tree.lists_to_tuples(held_out)
    held_out = held_out if isinstance(held_out, tuple) else (held_out,)
    # Three are with weights, which BYOL refuses.
    if kwargs.get("validation_steps") is None and len(held_out) < 3:
        made = array_batches(held_out, size or 32, shuffle=False)
        if made is not None:
            kwargs["validation_data"] = made
            kwargs.pop("validation_batch_size", None)
            return
    if size is not None:
        kwargs["validation_batch_size"] = size


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
    rows = keras.tree.map_structure(array_rows, arrays)
    batches = parallel_map(
        indices.batch(batch_size), lambda chosen: keras.tree.map_structure(lambda of: of(chosen), rows)
    )
    options = tf.data.Options()
    # As Keras has it: each worker of several takes its part of the images, not of the files that there are not.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)
