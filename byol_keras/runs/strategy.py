"""Training on several devices or machines: the strategy of `tf.distribute`, and what each of its workers does."""

import contextlib
import json
import os
from collections.abc import Callable

import tensorflow as tf

from ..errors import InputError
from ..utils.lock import exclusive

STRATEGIES = ("mirrored", "multi-worker")


def open_strategy(name: str | None) -> tf.distribute.Strategy:
    """The strategy to build a model under; of several workers, once all of them are there.

    To be called before TensorFlow does anything else in the process.

    Args:
        name: "mirrored": a replica on each GPU of this machine, or on each logical CPU where there is none;
            "multi-worker": as many on each machine of the cluster that the environment variable TF_CONFIG describes;
            None: one replica, on this machine's first device.

    Returns:
        tf.distribute.Strategy.

    Raises:
        InputError: for another name; without a usable TF_CONFIG.
    """
    if name is None:
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    if name == "multi-worker":
        _check_cluster(os.environ.get("TF_CONFIG", ""))
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise InputError(f"`strategy` must be one of {', '.join(STRATEGIES)}. Received: strategy={name!r}")


def worker_count(strategy: tf.distribute.Strategy) -> int:
    """How many processes train together."""
    return strategy.cluster_resolver.cluster_spec().num_tasks("worker") if _is_cluster(strategy) else 1


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one of all that writes the run."""
    return not _is_cluster(strategy) or strategy.cluster_resolver.task_id == 0


def chief_lock(folder: str | os.PathLike, strategy: tf.distribute.Strategy) -> contextlib.AbstractContextManager[None]:
    """The lock of a run's folder, see `exclusive`, of the process that writes it; the others need none."""
    return exclusive(folder) if is_chief(strategy) else contextlib.nullcontext()


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Comes back when all workers have called it.

    Raises:
        InputError: where one has ended instead.
    """
    if not _is_cluster(strategy):
        return
    try:
        tf.function(strategy.run)(_meet)
    except tf.errors.OpError as error:
        raise worker_lost(error) from error


def worker_lost(error: tf.errors.OpError) -> InputError:
    """What is raised for the error that TensorFlow ends with when another worker has ended."""
    return InputError(
        "Another worker has ended or cannot be reached, and none can go on without it: resume the run with all of "
        f"them, from its last checkpoint. TensorFlow gave up with {type(error).__name__}."
    )


def own_part(strategy: tf.distribute.Strategy) -> tf.distribute.InputContext | None:
    """The `input_context` with which this worker's part of a batch is made in one piece; None where it makes all."""
    workers = worker_count(strategy)
    return tf.distribute.InputContext(workers, strategy.cluster_resolver.task_id, workers) if workers > 1 else None


def for_all_replicas(
    strategy: tf.distribute.Strategy, batches: Callable[[tf.distribute.InputContext | None], tf.data.Dataset]
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """The batches that `fit` is to be given, of which each worker makes its own part.

    Args:
        strategy: of the model.
        batches: makes what `two_view_batches` makes of an `input_context`.
    """
    if strategy.num_replicas_in_sync == 1:
        return batches(None)
    return strategy.distribute_datasets_from_function(batches)


def _meet():
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(1))


def _is_cluster(strategy):
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def _check_cluster(config):
    """Raises InputError unless TF_CONFIG says who the workers are, and which of them this is."""
    how = (
        "the workers of `multi-worker` find each other by the environment variable TF_CONFIG, such as "
        '{"cluster": {"worker": ["host-0:5000", "host-1:5000"]}, "task": {"type": "worker", "index": 0}}'
    )
    try:
        said = json.loads(config)
        workers, task = said["cluster"]["worker"], said["task"]
        kinds, index = set(said["cluster"]), int(task["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"No usable TF_CONFIG: {how}. Received: TF_CONFIG={config!r}") from error
    if kinds != {"worker"} or task.get("type") != "worker" or not 0 <= index < len(workers):
        raise InputError(
            f"TF_CONFIG must have workers alone, the first of which writes the run, and an index among them: {how}. "
            f"Received: TF_CONFIG={config!r}"
        )
