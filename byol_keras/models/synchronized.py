"""Batch normalization over all replicas, in networks that were built without."""

import sys

import keras
import tensorflow as tf

from ..utils.private_api import all_layers


def synchronize_batch_norm(*networks: keras.Model) -> list[str]:
    """Has every BatchNormalization in some networks take its statistics over all replicas of a step.

    Without it each replica normalizes by its own part of the batch, so that training depends on their number, and the
    moving statistics that are saved are those of the first.

    Args:
        networks: built keras.Models; the layers are changed in place, and save as `synchronized=True`.

    Returns:
        The names of the layers that were not synchronized before.
    """
    changed = []
    for layer in (layer for network in networks for layer in all_layers(network)):
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.synchronized:
            layer.synchronized = True
            changed.append(layer.name)
    return changed


def synchronize_for_strategy(*networks: keras.Model) -> None:
    """`synchronize_batch_norm` where the strategy has several replicas; says on standard error what that changed."""
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return
    if changed := synchronize_batch_norm(*networks):
        print(
            f"{len(changed)} BatchNormalization layers ({changed[0]} the first of them) take their statistics over all "
            "replicas now: synchronized=True.",
            file=sys.stderr,
            flush=True,
        )
