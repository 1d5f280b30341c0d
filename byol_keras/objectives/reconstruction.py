"""Reconstruction: a decoder that makes the view from its embedding, as in an autoencoder."""

import math
from typing import Any

import keras
import tensorflow as tf

from ..errors import InputError
from ..models.checks import checked_positive

# The longer side of the grid that a decoder begins with, at most: the first layer has a weight for each place of it.
LARGEST_GRID = 8


def convolutional_decoder(dimensions: int, image_shape: tuple[int, int, int], filters: int = 64) -> keras.Sequential:
    """Dense(ReLU) to a grid of at most 8 x 8, then transposed convolutions, each of which doubles it up to the image.

    Args:
        dimensions: D of the (B, D) input.
        image_shape: (H, W, C) of the output. What is beyond H and W is cut off.
        filters: of the grid and the first convolution, half as many in the next, and so on.

    Returns:
        keras.Sequential, (B, D) -> (B, H, W, C), without a last activation.

    Example:
        decoder = bk.objectives.convolutional_decoder(512, (32, 32, 3))
    """
    height, width, channels = image_shape
    doublings = max(1, math.ceil(math.log2(max(height, width) / LARGEST_GRID)))
    grid = math.ceil(height / 2**doublings), math.ceil(width / 2**doublings), filters
    beyond = (0, grid[0] * 2**doublings - height), (0, grid[1] * 2**doublings - width)
    hidden = [
        keras.layers.Conv2DTranspose(max(filters // 2**i, 1), 4, strides=2, padding="same", activation="relu")
        for i in range(doublings - 1)
    ]
    return keras.Sequential(
        [
            keras.Input((dimensions,)),
            keras.layers.Dense(math.prod(grid), activation="relu"),
            keras.layers.Reshape(grid),
            *hidden,
            keras.layers.Conv2DTranspose(channels, 4, strides=2, padding="same"),
            keras.layers.Cropping2D(beyond),
        ],
        name="decoder",
    )


@keras.saving.register_keras_serializable("byol_keras")
class ReconstructionTerm(keras.layers.Layer):
    """The squared error of a decoder that makes each view from its embedding, times a weight.

    weight * mean over pixels and channels of (view - decoder(embedding))^2, as an autoencoder's, whose input is the
    distorted view. The decoder is trained along with the encoder, saved with the model, and not exported.

    Args:
        weight: above 0.
        decoder: keras.Model, (B, D) -> (B, ...) as the views; by default, for images, `convolutional_decoder`.

    Raises:
        InputError: for another weight, and for a decoder that gives something else, when the model is made.

    Example:
        model = bk.BYOL(encoder, extra_losses=[bk.objectives.ReconstructionTerm(1.0)])
    """

    def __init__(self, weight: float, decoder: keras.Model | None = None, **kwargs: Any):
        # The error is that of the view as it is, in float32.
        super().__init__(autocast=False, **kwargs)
        self.weight = checked_positive("weight", weight)
        self.decoder = decoder

    def build(self, view_shape: tuple, embedding_shape: tuple, projection_shape: tuple) -> None:
        if self.decoder is None:
            if None in view_shape[1:] or len(view_shape) != 4:
                raise InputError(
                    "A decoder of its own needs an encoder of one image size: give ReconstructionTerm a `decoder`. "
                    f"Received: views of {tuple(view_shape[1:])}"
                )
            self.decoder = convolutional_decoder(embedding_shape[-1], tuple(view_shape[1:]))
        given = self.decoder.compute_output_shape((None, embedding_shape[-1]))
        pairs = zip(given[1:], view_shape[1:], strict=False)
        if len(given) != len(view_shape) or any(g != v for g, v in pairs if None not in (g, v)):
            raise InputError(
                f"The decoder must give views as the encoder takes them, {tuple(view_shape[1:])}. "
                f"Received: one that gives {tuple(given[1:])}"
            )
        self.built = True

    def call(
        self, view: tf.Tensor, embedding: tf.Tensor, projection: tf.Tensor, training: bool | None = None
    ) -> tf.Tensor:
        """Each image's part.

        Args:
            view: (B, ...), floats.
            embedding: (B, D), any floating dtype, of the view.
            projection: not used.
            training: given to the decoder.

        Returns:
            (B,) float32, from 0.
        """
        decoded = self.decoder(embedding, training=training)
        error = tf.square(tf.cast(view, tf.float32) - tf.cast(decoded, tf.float32))
        return self.weight * tf.reduce_mean(error, axis=list(range(1, len(view.shape))))

    def get_config(self) -> dict[str, Any]:
        decoder = keras.saving.serialize_keras_object(self.decoder)
        return {**super().get_config(), "weight": self.weight, "decoder": decoder}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ReconstructionTerm":
        return cls(**{**config, "decoder": keras.saving.deserialize_keras_object(config["decoder"])})
