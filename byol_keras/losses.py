"""The BYOL loss, and a term that may stand beside it, as pure functions."""

import keras
from keras import ops

L2_EPSILON = 1e-12
# The precision to which `coding_rate` codes: the square of its epsilon.
DISTORTION = 0.2**2


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


def coding_rate(vectors: keras.KerasTensor) -> keras.KerasTensor:
    """How much room the directions of a batch of vectors take up: low where they share few dimensions.

    log det(I + D / (B * 0.2^2) * Z Z^T) / (2 B), Z the L2-normalized vectors: the total coding rate of Yu et al. 2020
    (arXiv 2006.08558), in nats, per vector. EMP-SSL (Tong et al. 2023, arXiv 2304.03977) trains by it.

    Args:
        vectors: (B, D), any floating dtype.

    Returns:
        () float32, from log(1 + D / 0.2^2) / (2 B) where all have one direction, to log(1 + D / (B * 0.2^2)) / 2 where
        B <= D vectors are orthogonal.

    Example:
        rate = float(bk.losses.coding_rate(model.projector(embeddings)))
    """
    z = l2_normalize(vectors)
    rows, dimensions = ops.cast(ops.shape(z)[0], "float32"), z.shape[1]
    few = z.shape[0] is not None and z.shape[0] < dimensions
    # The smaller product: both have the same determinant.
    products = ops.matmul(z, ops.transpose(z)) if few else ops.matmul(ops.transpose(z), z)
    matrix = ops.eye(products.shape[0]) + products * (dimensions / (rows * DISTORTION))
    return ops.sum(ops.log(ops.diagonal(ops.cholesky(matrix)))) / rows
