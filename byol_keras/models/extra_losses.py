"""Losses beside BYOL's: layers that are trained with the model, and are no part of its networks."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from ..errors import InputError, first_line
from ..utils.replicas import replica_count, share_of_mean
from .checks import input_tensor

FORM = "An extra loss is a layer: (view (B, ...), embedding (B, D), projection (B, P)) -> (B,), each example's loss."


def built_extra_losses(
    layers: Sequence[keras.Layer], encoder: keras.Model, projector: keras.Model
) -> list[keras.Layer]:
    """The layers, with the weights that they need for these networks.

    Args:
        layers: as `BYOL` takes them.
        encoder: built, (B, ...) -> (B, D).
        projector: built, (B, D) -> (B, P).

    Raises:
        InputError: for what is no layer, or gives something else than a loss for each image.
    """
    layers = list(layers)
    for layer in layers:
        if not isinstance(layer, keras.Layer):
            raise InputError(f"{FORM} Received: {layer!r}")
        shapes = projector.input_shape, projector.output_shape
        inputs = [input_tensor(encoder), *(keras.KerasTensor((None, *shape[1:])) for shape in shapes)]
        try:
            losses = layer(*inputs, training=False)
        except TypeError as error:  # of a `call` with other arguments
            raise InputError(f"{FORM} Received: {layer.name}: {first_line(error)}") from error
        shape = getattr(losses, "shape", None)
        if shape is None or len(shape) != 1:
            raise InputError(f"{FORM} Received: {layer.name}, which gives {shape or 'something else'}")
    return layers


def extra_penalties(
    layers: Sequence[keras.Layer], view: tf.Tensor, embedding: tf.Tensor, projection: tf.Tensor, training: bool
) -> list[tf.Tensor]:
    """What the layers give for a replica's part of a view, () float32 each.

    The mean over the replicas of each is the mean over all images.
    """
    losses = [layer(view, embedding, projection, training=training) for layer in layers]
    return [share_of_mean(tf.cast(loss, tf.float32)) * replica_count() for loss in losses]
