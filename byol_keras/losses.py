"""The BYOL loss, as a pure function."""

import keras
from keras import ops

L2_EPSILON = 1e-12


def l2_normalize(x: keras.KerasTensor) -> keras.KerasTensor:
    """x * rsqrt(max(sum(x^2), 1e-12)) over the last axis, in float32 whatever the dtype of `x`.

    Args:
        x: (..., D), any floating dtype.

    Returns:
        (..., D) float32, of length 1, or zero where `x` is zero.

    Example:
        cosines = keras.ops.sum(bk.losses.l2_normalize(a) * bk.losses.l2_normalize(b), axis=-1)
    """
    x = ops.cast(x, "float32")
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=-1, keepdims=True), L2_EPSILON))


@keras.saving.register_keras_serializable("byol_keras")
def regression_loss(prediction: keras.KerasTensor, target: keras.KerasTensor) -> keras.KerasTensor:
    """Squared distance of the normalized vectors: ||l2n(prediction) - l2n(stop_gradient(target))||^2.

    Equal to 2 - 2 * cosine for non-zero vectors. BYOL sums it over the two directions and averages over the batch
    (Grill et al. 2020, equation 2).

    Args:
        prediction: (B, D), the online network's prediction, any floating dtype.
        target: (B, D), the target network's projection; no gradient flows into it.

    Returns:
        (B,) float32, from 0 (same direction) to 4 (opposite).

    Example:
        per_image = bk.losses.regression_loss(prediction, target)
    """
    difference = l2_normalize(prediction) - l2_normalize(ops.stop_gradient(target))
    return ops.sum(ops.square(difference), axis=-1)
