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


def target_std(projection: keras.KerasTensor) -> keras.KerasTensor:
    """Standard deviation of the L2-normalized projections of a batch, times sqrt(D): the collapse gauge.

    The standard deviation over the batch of each of the D dimensions of l2n(projection), averaged over dimensions.
    Vectors that lie evenly on the sphere have 1 / sqrt(D), hence the factor.

    Args:
        projection: (B, D), any floating dtype.

    Returns:
        () float32: about 1 is healthy, towards 0 all images are given the same vector.

    Example:
        gauge = float(bk.losses.target_std(model.predict(images)))
    """
    normalized = l2_normalize(projection)
    dimensions = ops.cast(ops.shape(normalized)[-1], "float32")
    return ops.mean(ops.std(normalized, axis=0)) * ops.sqrt(dimensions)
