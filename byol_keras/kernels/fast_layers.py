"""Layers of any Keras model swapped for quicker ones while a training step is traced."""

import contextlib

import keras
import tensorflow as tf

from .accelerator import has_accelerator
from .batch_norm import FusedBatchNormalization
from .convolution import MatmulGradientConv2D
from .relu import CompiledActivation, CompiledReLU

# Each is its Keras layer with another way to the same numbers: no weights, attributes or configuration of its own.
FASTER = {keras.layers.BatchNormalization: FusedBatchNormalization}
FASTER_ON_A_PROCESSOR = {
    **FASTER,
    keras.layers.Conv2D: MatmulGradientConv2D,
    keras.layers.ReLU: CompiledReLU,
    keras.layers.Activation: CompiledActivation,
}


@contextlib.contextmanager
def fast_layers(*networks):
    """Inside the `with`, the networks' layers compute by the quicker ways of this package.

    Only layers whose class is exactly the Keras one are swapped, a subclass of the user's never. Outside, the
    networks are what they were: they save, export and evaluate as plain Keras.

    Args:
        *networks: built keras.Models; layers at any depth count.
    """
    faster = _faster()
    layers = [layer for network in networks for layer in network._flatten_layers() if type(layer) in faster]
    plain = [type(layer) for layer in layers]
    try:
        for layer in layers:
            # Around Keras' own __setattr__, which keeps track of weights and layers.
            object.__setattr__(layer, "__class__", faster[type(layer)])
        yield
    finally:
        for layer, kind in zip(layers, plain, strict=True):
            object.__setattr__(layer, "__class__", kind)


def _faster():
    """The swaps that are quicker on this machine. None across replicas, where batch norm must exchange statistics."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        return {}
    return FASTER if has_accelerator() else FASTER_ON_A_PROCESSOR
