"""The target network: a copy of a part of the online one that no optimizer moves."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..precision import copy_model
from ..utils.private_api import all_layers, merge_replicas


def target_copy(network: keras.Model) -> keras.Model:
    """A second network with the same architecture and weights, its variables frozen, called target_NAME.

    Args:
        network: a built keras.Model. It is not changed.

    Raises:
        InputError: for a network that cannot be made again from its config.
    """
    copy = copy_model(network)
    copy.name = f"target_{network.name}"
    freeze_alike(copy, network)
    return copy


def freeze_alike(target: keras.Model, online: keras.Model) -> None:
    """Freezes the layers of a target that are frozen in the online network, and the variables of all.

    Args:
        target: a copy of `online`, layer by layer.
        online: whatever its layers' `trainable` was set to.
    """
    for mine, theirs in zip(all_layers(target), all_layers(online), strict=True):
        if mine.trainable != theirs.trainable:
            mine.trainable = theirs.trainable
    # The variables, not the layers: a frozen layer has its batch norm in inference mode.
    for variable in target.trainable_variables:
        variable.trainable = False


def average_target(pairs: Sequence[tuple[keras.Variable, keras.Variable]], rate: tf.Tensor) -> None:
    """target += rate * (online - target), in float32, on every replica.

    Args:
        pairs: (target's, online's) variables.
        rate: () float32, 1 - tau, or 0 where the target is to stay.
    """

    def move(target, online):
        target.assign_add(tf.cast(rate, target.dtype) * (online - target))

    def move_all(strategy):
        for target, online in pairs:
            strategy.extended.update(target.value, move, args=(online.value,), group=False)

    merge_replicas(move_all)
