"""A trained network as the graph that TensorFlow runs quickest."""

from collections.abc import Callable

import keras
import tensorflow as tf

from byol_keras.kernels.layer_swap import layer_swap

from .archive import trace
from .folded_batch_norm import FoldedBatchNormalization
from .frozen_graph import frozen


def inference_graph(
    network: keras.Model, function: Callable, signature: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    """The graph of `function` with the weights of `network` as constants and its batch norms folded.

    Args:
        network: built; unchanged afterwards.
        function: tensor -> tensors, calls `network` with training=False.
        signature: of the tensor.

    Returns:
        Later changes of the weights do not reach it, see `frozen` for when they do.
    """
    with layer_swap([network], {keras.layers.BatchNormalization: FoldedBatchNormalization}):
        graph = trace(function, signature)
    return frozen(graph)
