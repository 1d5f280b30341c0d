"""What the replicas of a step under `tf.distribute` tell each other. Without a strategy there is one.

All but `replica_count` are to be called inside a step, where each replica has tensors of its own.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf


def replica_count() -> int:
    """How many replicas the step at hand runs on, over all workers; 1 outside of a step."""
    return 1 if tf.distribute.in_cross_replica_context() else tf.distribute.get_strategy().num_replicas_in_sync


def summed(tensor: tf.Tensor) -> tf.Tensor:
    """The sum over the replicas of what each of them has, of one shape.

    The gradient is that of the sum of the replicas' results, as the optimizer adds it up.
    """
    if replica_count() == 1:
        return tensor
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def gathered(rows: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, in the order of these.

    Args:
        rows: (B, D), of any B on each replica.

    Returns:
        (sum of all B, D). The gradient is as for `summed`, also where B differs, unlike that of `all_gather`.
    """
    if replica_count() == 1:
        return rows
    count = tf.shape(rows)[0]
    before, total = place_in_all(count)
    padded = tf.pad(rows, [[before, total - before - count], [0, 0]])
    return tf.ensure_shape(summed(padded), [None, rows.shape[1]])


def place_in_all(count: tf.Tensor) -> tuple[tf.Tensor | int, tf.Tensor]:
    """Where a replica's rows are in those of all replicas, in the order of these.

    Args:
        count: () int32, how many rows it has.

    Returns:
        How many rows are before them, and how many there are in all: () int32 each.
    """
    replicas = replica_count()
    if replicas == 1:
        return 0, count
    here = tf.distribute.get_replica_context().replica_id_in_sync_group
    counts = summed(tf.one_hot(here, replicas, dtype=tf.int32) * count)
    return tf.reduce_sum(counts[:here]), tf.reduce_sum(counts)


def share_of_mean(values: tf.Tensor) -> tf.Tensor:
    """The replica's share of the mean over all replicas' values.

    The shares add up to the mean, as the optimizer adds up the gradients, also where a replica has fewer values than
    another.

    Args:
        values: (B,) float32, of any B on each replica.

    Returns:
        () float32.
    """
    if replica_count() == 1:
        return tf.reduce_mean(values)
    return tf.reduce_sum(values) / tf.cast(summed(tf.shape(values)[0]), tf.float32)


def on_this_replica(tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Those of some tensors that were made on the replica at hand.

    The replicas of one process trace a step in turns, with the same layers: what these remember of a call, as the
    losses that were added in it, may be another replica's.
    """
    if replica_count() == 1:
        return list(tensors)
    here = tf.zeros(()).device
    return [tensor for tensor in tensors if tensor.device == here]


def step_logs(logs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Logs of a step, () each and alike on all replicas, in the shape in which Keras can take them.

    Over several workers it averages them along an axis, which a scalar has not.
    """
    several_workers = isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)
    return {name: tf.reshape(value, [1]) if several_workers else value for name, value in logs.items()}
