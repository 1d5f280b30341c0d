"""Gauges of collapse, as pure functions of a batch: how far its vectors fill the space they are in."""

import keras
from keras import ops

from .losses import l2_normalize

# Of the singular values' shares, from the source of `effective_rank`.
RANK_EPSILON = 1e-7


def target_std(projection: keras.KerasTensor) -> keras.KerasTensor:
    """Standard deviation of the L2-normalized projections of a batch, times sqrt(D).

    The standard deviation over the batch of each of the D dimensions of l2n(projection), averaged over dimensions.
    Vectors that lie evenly on the sphere have 1 / sqrt(D), hence the factor.

    It sees the collapse to one vector and no other: random vectors of rank 8 in 256 dimensions have 0.97.

    Args:
        projection: (B, D), any floating dtype.

    Returns:
        () float32: towards 0 all images are given the same vector; about 1 they are not.

    Example:
        gauge = float(bk.gauges.target_std(model.predict(images)))
    """
    normalized = l2_normalize(projection)
    dimensions = ops.cast(ops.shape(normalized)[-1], "float32")
    return ops.mean(ops.std(normalized, axis=0)) * ops.sqrt(dimensions)


def effective_rank(vectors: keras.KerasTensor) -> keras.KerasTensor:
    """RankMe: in how many dimensions vectors lie, those that hardly count counting little.

    exp of the entropy of the singular values' shares of their sum, p_k = s_k / sum(s) + 1e-7 (Garrido et al. 2022,
    arXiv 2210.02885). The vectors are taken as they are, neither centered nor normalized.

    It compares runs of one method, one width and one number of vectors, and says nothing of whether the dimensions are
    of any use: noise has a high rank. Of B vectors it cannot be above B.

    Args:
        vectors: (B, D), any floating dtype.

    Returns:
        () float32, from 1 to min(B, D); NaN where a number is not finite.

    Example:
        gauge = float(bk.gauges.effective_rank(model.predict(images)))
    """
    vectors = ops.cast(vectors, "float32")
    finite = ops.all(ops.isfinite(vectors))
    vectors = ops.where(finite, vectors, ops.zeros_like(vectors))
    vectors = vectors / ops.maximum(ops.max(ops.abs(vectors)), 1e-30)
    # In float64, since eigenvalues of the products are the squares of the singular values.
    vectors = ops.cast(vectors, "float64")
    transposed = ops.transpose(vectors)
    # The smaller one, or in a graph that does not know B, where XLA could not choose, that of the D columns.
    few = vectors.shape[0] is not None and vectors.shape[0] < vectors.shape[1]
    products = ops.matmul(vectors, transposed) if few else ops.matmul(transposed, vectors)
    singular = ops.sqrt(ops.maximum(ops.eigh(products)[0], 0))
    shares = singular / ops.maximum(ops.sum(singular), 1e-30) + RANK_EPSILON
    rank = ops.cast(ops.exp(-ops.sum(shares * ops.log(shares))), "float32")
    return ops.where(finite, rank, float("nan"))
