"""Functions traced to graphs, and graphs written as the folder of a SavedModel."""

import os
from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf


def trace(function: Callable, signature: tf.TensorSpec) -> tf.types.experimental.ConcreteFunction:
    """The graph of a function of one tensor.

    Args:
        function: tensor -> tensors.
        signature: of the tensor.
    """
    return tf.function(function, input_signature=[signature], autograph=False).get_concrete_function()


def write_archive(
    variables: Iterable[tf.Variable], signatures: Mapping[str, Callable], folder: str | os.PathLike
) -> None:
    """Writes a SavedModel.

    Not with keras.export.ExportArchive, which in Keras 3.15 stores every weight twice.

    Args:
        variables: those that the signatures use.
        signatures: traced functions by name.
        folder: to create.
    """
    module = tf.Module()
    module.weights = list(variables)
    # A served model is not trained, and TensorFlow cannot save the gradients of a frozen function (swish has its own).
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, os.fspath(folder), signatures=dict(signatures), options=options)
