"""Layers with BYOL's constants, and one that adds a term to its loss."""

from typing import Any

import keras

from ..losses import coding_rate
from ..utils.replicas import gathered
from .checks import checked_positive


def batch_norm(**kwargs: Any) -> keras.layers.BatchNormalization:
    """Batch normalization with decay 0.9, epsilon 1e-5 and statistics across replicas.

    These are the authors' constants (Grill et al. 2020); Keras' own are 0.99 and 1e-3.

    Args:
        **kwargs: other arguments of `keras.layers.BatchNormalization`.
    """
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=True, **kwargs)


@keras.saving.register_keras_serializable("byol_keras")
class CodingRateTerm(keras.layers.Layer):
    """Gives what it is given, and has the model's loss fall as `losses.coding_rate` of it rises.

    At the end of a projector it keeps the projections' dimensions in use, which BYOL leaves to its predictor and its
    slow target: BYOL plus a term, and no longer the paper's method.

    Args:
        weight: of the rate, averaged over the two views; above 0.

    Raises:
        InputError: for another weight.

    Example:
        projector = bk.mlp(512, 1024, 256)
        projector.add(bk.CodingRateTerm(1.0))
        model = bk.BYOL(encoder, projector)
    """

    def __init__(self, weight: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight = checked_positive("weight", weight)

    def call(self, vectors: keras.KerasTensor) -> keras.KerasTensor:
        """(B, D), any floating dtype -> the same."""
        # Of the whole batch, wherever its parts are: the rate of a part is another.
        self.add_loss(-self.weight * coding_rate(gathered(vectors)))
        return vectors

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}
