"""Layers of any Keras model swapped for quicker ones while a training step is traced."""

import contextlib

import keras
import tensorflow as tf

from ..utils.hardware import has_accelerator
from .batch_norm import FusedBatchNormalization
from .convolution import MatmulGradientConv2D
from .layer_swap import layer_swap
from .relu import CompiledActivation, CompiledReLU

# Each is its Keras layer with another way to the same numbers: no weights, attributes or configuration of its own.
FASTER = {keras.layers.BatchNormalization: FusedBatchNormalization}
FASTER_ON_CPU = {
    **FASTER,
    keras.layers.Conv2D: MatmulGradientConv2D,
    keras.layers.ReLU: CompiledReLU,
    keras.layers.Activation: CompiledActivation,
}


def fast_layers(*networks: keras.Layer) -> contextlib.AbstractContextManager[None]:
    """A context in which the layers of built keras.Models compute by the quicker ways of this package.

    Afterwards they save, export and evaluate as plain Keras, see `layer_swap`.
    """
    return layer_swap(networks, _faster())


def _faster():
    """The swaps for this machine."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        # Batch norm must exchange statistics, as Keras' does. On a CPU TensorFlow's own gradient of a convolution may
        # write past its memory, see `convolution`, on every replica.
        return {} if has_accelerator() else {keras.layers.Conv2D: MatmulGradientConv2D}
    return FASTER if has_accelerator() else FASTER_ON_CPU
