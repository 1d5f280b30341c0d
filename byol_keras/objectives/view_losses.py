"""Losses between two views in the place of BYOL's: a distance that is not normalized, and a contrastive one."""

from typing import Any

import keras
from keras import ops

from ..losses import l2_normalize
from ..models.checks import checked_positive
from ..utils.replicas import gathered


@keras.saving.register_keras_serializable("byol_keras")
def squared_distance(prediction: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
    """||prediction - stop_gradient(target)||^2, of the vectors as they are: `losses.regression_loss` normalizes them.

    It also falls as the vectors of both networks shrink, which says nothing of the images.

    Args:
        prediction: (B, D), the online network's prediction, any floating dtype.
        target: (B, D), the target network's projection; no gradient flows into it.

    Returns:
        (B,) float32, from 0, without an upper bound.

    Example:
        model = bk.BYOL(encoder, loss=bk.objectives.squared_distance)
    """
    difference = ops.cast(prediction, "float32") - ops.cast(ops.stop_gradient(target), "float32")
    return ops.sum(ops.square(difference), axis=-1)


@keras.saving.register_keras_serializable("byol_keras")
class NTXent:
    """Contrastive loss: the normalized, temperature-scaled cross entropy of SimCLR, between predictions and targets.

    With p_i = l2n(prediction_i), t_j = l2n(stop_gradient(target_j)) and T the temperature, image i has

        -log(exp(p_i . t_i / T) / sum over all images j of the batch, i among them, of exp(p_i . t_j / T)).

    The batch is that of all replicas. Negatives are the other images' targets of the other view: B - 1 of them, as in
    MoCo v3 (Chen et al. 2021, arXiv 2104.02057). SimCLR (Chen et al. 2020, arXiv 2002.05709) has those of the same view
    as well, 2 B - 2 in all, one network, no predictor, and gradients that flow into both sides.

    Args:
        temperature: T, above 0.

    Raises:
        InputError: for another temperature.

    Example:
        model = bk.BYOL(encoder, loss=bk.objectives.NTXent(0.5))
    """

    def __init__(self, temperature: float = 0.1):
        self.temperature = checked_positive("temperature", temperature)

    def __call__(self, prediction: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
        """The loss of each image.

        Args:
            prediction: (B, D), any floating dtype; zero vectors stay zero.
            target: (B, D), likewise; no gradient flows into it.

        Returns:
            (B,) float32, from 0; log B where all vectors are alike.
        """
        prediction, target = l2_normalize(prediction), l2_normalize(ops.stop_gradient(target))
        cosines = ops.matmul(prediction, ops.transpose(gathered(target)))
        own = ops.sum(prediction * target, axis=-1)
        return ops.logsumexp(cosines / self.temperature, axis=-1) - own / self.temperature

    def get_config(self) -> dict[str, Any]:
        return {"temperature": self.temperature}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "NTXent":
        return cls(**config)
