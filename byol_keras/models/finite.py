"""Numbers that are not finite: found, and kept out of a model's state."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from ..utils.private_api import replicas_branch_alike


def first_not_finite(tensors: Sequence[tf.Tensor | None]) -> tf.Tensor:
    """Which of several tensors is the first with a NaN or an infinity.

    Args:
        tensors: of any shapes, floating point; None counts as finite.

    Returns:
        () int32, its index on any replica; -1 where all are finite on all of them.
    """
    finite = [tensor is None or tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(tensor))) for tensor in tensors]
    bad = tf.cast(tf.logical_not(tf.stack(finite)), tf.float32)
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        bad = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, bad)
    return tf.where(tf.reduce_any(bad > 0), tf.argmax(bad > 0, output_type=tf.int32), -1)


def call_if(condition: tf.Tensor, function: Callable, tensors: Sequence[tf.Tensor]) -> None:
    """Calls `function(tensors)`, which assigns to variables, where `condition` holds.

    Args:
        condition: () bool, the same on every replica.
        function: of a list of tensors; what it returns is not used.
        tensors: given to it.
    """

    def called():
        function(tensors)
        return True

    if replicas_branch_alike():
        tf.cond(condition, called, lambda: False)
        return

    def across(strategy, condition, tensors):
        # A branch in which the replicas meet must itself be taken by all of them at once.
        def called_on_each():
            strategy.extended.call_for_each_replica(function, args=(tensors,))
            return True

        tf.cond(strategy.experimental_local_results(condition)[0], called_on_each, lambda: False)

    tf.distribute.get_replica_context().merge_call(across, args=(condition, list(tensors)))


@contextlib.contextmanager
def undone_if_not_finite(variables: Sequence[keras.Variable]) -> Iterator[Callable]:
    """Where something was not finite, `variables` become again what they were before the `with`, all of them.

    For the moving statistics of batch norm: one bad batch would leave them NaN for good, or one of two that belong
    together far away from the other.

    Args:
        variables: that are assigned to in the `with`.

    Yields:
        A function, to be called once, at the end of the `with`: tensors -> () int32, `first_not_finite` of them and,
        behind them, of the variables together.
    """
    before, found = [tf.identity(variable.value) for variable in variables], []

    def look(tensors):
        if before:
            # What was not finite before is not the step's doing. All in one: apart, each operation costs more to begin.
            now = tf.where(tf.math.is_finite(_in_one(before)), _in_one([v.value for v in variables]), 0.0)
            tensors = [*tensors, now]
        found.append(first_not_finite(tensors))
        return found[0]

    yield look
    for variable, value in zip(variables, before, strict=True):
        variable.assign(tf.where(found[0] < 0, tf.convert_to_tensor(variable.value), value))


def _in_one(tensors):
    return tf.concat([tf.reshape(tf.cast(tensor, tf.float32), [-1]) for tensor in tensors], axis=0)


def variables_not_finite(model: keras.Model) -> list[str]:
    """The paths of the variables of a model that have a NaN or an infinity."""
    # NumPy knows no bfloat16.
    return [v.path for v in model.weights if not np.isfinite(np.asarray(keras.ops.cast(v, "float32"))).all()]


def require_finite(model: keras.Model) -> None:
    """Checks every weight of a model.

    Raises:
        InputError: naming the first variable with a NaN or an infinity.
    """
    if bad := variables_not_finite(model):
        raise InputError(
            f"{len(bad)} of {len(model.weights)} variables of {model.name} are not finite, {bad[0]} the first of "
            "them: training has diverged. Lower `learning_rate`, or train in float32."
        )


def largest_weight(model: keras.Model) -> tuple[str, float]:
    """The path of the variable with the largest absolute value in a model, and that value."""
    largest = [(variable.path, float(np.abs(variable.numpy()).max())) for variable in model.trainable_variables]
    return max(largest, key=lambda found: found[1])
