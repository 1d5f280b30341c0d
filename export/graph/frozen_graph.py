"""Weights made constants of the graph, so that TensorFlow can fold batch norm and lay the weights out once."""

import tensorflow as tf

from byol_keras.utils.private_api import variables_to_constants

# A graph is one protocol buffer, which ends at 2 GiB; the rest is left for the graph itself and its signatures.
MAX_BYTES = 1_500_000_000


def frozen(
    function: tf.types.experimental.ConcreteFunction,
) -> tf.types.experimental.ConcreteFunction:
    """A function with its variables as constants.

    Training must be able to change the weights; an exported graph need not. With constants, TensorFlow multiplies the
    scale of a batch norm into the convolution before it when the graph is loaded, fuses what follows (bias, addition,
    ReLU) into one kernel, and oneDNN reorders each weight once instead of at every call. What it cannot fold (another
    layer between the two, a batch norm before its convolution) is computed as before.

    Args:
        function: without keyword arguments.

    Returns:
        The same function of constants; `function` itself where it changes a variable, or has weights of more than
        MAX_BYTES.
    """
    variables = function.graph.variables
    if not variables or _assigns(function.graph.as_graph_def()):
        return function
    if sum(variable.shape.num_elements() * variable.dtype.size for variable in variables) > MAX_BYTES:
        return function
    return variables_to_constants(function)


def _assigns(graph: tf.compat.v1.GraphDef) -> bool:
    bodies = [graph.node, *(function.node_def for function in graph.library.function)]
    return any(node.op.startswith(("Assign", "Scatter", "ResourceScatter")) for body in bodies for node in body)
