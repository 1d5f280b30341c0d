"""The center loss: the projections of a batch drawn towards their mean."""

from typing import Any

import keras
import tensorflow as tf

from ..models.checks import checked_positive
from ..utils.replicas import summed


@keras.saving.register_keras_serializable("byol_keras")
class CenterTerm(keras.layers.Layer):
    """The mean squared distance between two projections of a batch, times a weight.

    With z_i the projections of one view of the B images, and c their mean:

        weight / B^2 * sum over i and j of ||z_i - z_j||^2  =  weight / B * sum over i of 2 ||z_i - c||^2.

    It is least where all images have one projection, and so asks for the collapse that BYOL is to avoid. BYOL's own
    loss knows directions only, so that the term can also be met by short projections. The loss of the same name by Wen
    et al. 2016 has a center for each class of labels, and is another.

    Args:
        weight: above 0.

    Raises:
        InputError: for another weight.

    Example:
        model = bk.BYOL(encoder, extra_losses=[bk.objectives.CenterTerm(0.01)])
    """

    def __init__(self, weight: float, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.weight = checked_positive("weight", weight)

    def build(self, view_shape: tuple, embedding_shape: tuple, projection_shape: tuple) -> None:
        self.built = True

    def call(self, view: tf.Tensor, embedding: tf.Tensor, projection: tf.Tensor) -> tf.Tensor:
        """Each image's part.

        Args:
            view: not used.
            embedding: not used.
            projection: (B, P), any floating dtype; the mean is that of all replicas' projections.

        Returns:
            (B,) float32, from 0.
        """
        z = tf.cast(projection, tf.float32)
        center = summed(tf.reduce_sum(z, axis=0)) / tf.cast(summed(tf.shape(z)[0]), tf.float32)
        return 2 * self.weight * tf.reduce_sum(tf.square(z - center), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}
