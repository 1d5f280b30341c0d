"""A trained network as the graph that TensorFlow runs quickest."""

import keras
import tensorflow as tf

from byol_keras.kernels.class_swap import swapped

from .folded_batch_norm import FoldedBatchNormalization
from .freeze import frozen


def inference_graph(network, function, signature):
    """The graph of `function` with the weights of `network` as constants and its batch norms folded.

    Args:
        network: built keras.Model; as it was afterwards.
        function: tensor -> tensors, calls `network` with training=False.
        signature: tf.TensorSpec of the tensor.

    Returns:
        tf.types.experimental.ConcreteFunction; later changes of the weights do not reach it, see `frozen` for when they
        do.
    """
    with swapped([network], {keras.layers.BatchNormalization: FoldedBatchNormalization}):
        graph = tf.function(function, input_signature=[signature], autograph=False).get_concrete_function()
    return frozen(graph)
