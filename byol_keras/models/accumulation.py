"""An optimizer's accumulation of gradients, in a step whose replicas meet inside of it."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..errors import InputError
from ..utils.private_api import merge_replicas, replicas_branch_alike, update_without_accumulation
from ..utils.replicas import replica_count, summed
from .finite import call_if


def accumulates_here(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether the gradients of an optimizer that accumulates them must be accumulated by `accumulated_update`.

    Keras decides inside each replica whether a step is to update, which fails where the replicas meet for it. And it
    keeps on each replica what that one has summed up, of which a checkpoint would have the first one's only.
    """
    return bool(optimizer.gradient_accumulation_steps) and tf.distribute.has_strategy() and not replicas_branch_alike()


def accumulated_update(
    optimizer: keras.optimizers.Optimizer,
    variables: Sequence[keras.Variable],
    gradients: Sequence[tf.Tensor | None],
    finite: tf.Tensor,
) -> tf.Tensor:
    """Adds a step's gradients to those of the steps before, or updates by the mean of all of them if they are enough.

    Does what the optimizer does by itself on one replica, in its own variables.

    Args:
        optimizer: built with `variables`, with `gradient_accumulation_steps`.
        variables: that it moves.
        gradients: of each of them the replica's share, None of one that has no part in the loss and stays as it is.
        finite: () bool, the same on every replica; nothing is done where it does not hold.

    Returns:
        () bool, whether the variables were moved.

    Raises:
        InputError: for an optimizer that also averages weights.
    """
    if optimizer.use_ema:
        raise InputError(
            "Over several replicas an optimizer that accumulates gradients cannot average weights. "
            "Received: use_ema=True and gradient_accumulation_steps"
        )
    steps, sums = optimizer.gradient_accumulation_steps, _named(optimizer, "gradient_accumulator")
    moved = [part for part in zip(variables, gradients, sums, strict=True) if part[1] is not None]
    variables, gradients, sums = map(list, zip(*moved, strict=True))
    (counter,) = _named(optimizer, "iteration")
    last = (tf.convert_to_tensor(counter.value) + 1) % steps == 0
    # The sum over the replicas, so that each of them holds the same.
    scale = optimizer.loss_scale_factor or 1.0
    gradients = [summed(gradient) / scale for gradient in gradients]
    totals = [
        (gradient + tf.convert_to_tensor(sum_.value)) / steps for gradient, sum_ in zip(gradients, sums, strict=True)
    ]

    def add(gradients):
        _assign(sums, [gradient + tf.convert_to_tensor(s.value) for gradient, s in zip(gradients, sums, strict=True)])
        _assign([counter], [tf.convert_to_tensor(counter.value) + 1])

    def update(totals):
        # As shares again, for the optimizer adds them up.
        update_without_accumulation(optimizer, totals, variables, replica_count())
        _assign(sums, [tf.zeros_like(total) for total in totals])
        _assign([counter], [tf.convert_to_tensor(counter.value) + 1])

    def constrain(_):
        _assign(bound, [variable.constraint(tf.convert_to_tensor(variable.value)) for variable in bound])

    call_if(finite & last, update, totals)
    call_if(finite & ~last, add, gradients)
    if bound := [variable for variable in variables if variable.constraint is not None]:
        call_if(finite, constrain, [])  # in steps that only add as well, as Keras does
    return finite & last


def _named(optimizer, name):
    """The optimizer's variables of that name, which for those of a weight follows the weight's own."""
    return [variable for variable in optimizer.variables if variable.name.endswith(name)]


def _assign(variables, values):
    """Assigns to each variable the value, which is the same on every replica."""

    def assign_all(strategy, values):
        for variable, value in zip(variables, values, strict=True):
            strategy.extended.update(variable.value, lambda v, new: v.assign(new), args=(value,), group=False)

    merge_replicas(assign_all, values)
