"""LiDAR: a rank that counts only the dimensions in which images differ more than their views do."""

import numpy as np

from ..errors import InputError

# From the source of `lidar`.
WITHIN_EPSILON = 1e-4
SHARE_EPSILON = 1e-7


def lidar(embeddings: np.ndarray) -> float:
    """The effective rank of a linear discriminant analysis that takes each image for a class, its views as samples.

    exp of the entropy of the shares p_k = l_k / sum(l) + 1e-7, where l are the eigenvalues of W^-1/2 B W^-1/2, B the
    covariance of the images' means and W that of the views around them plus 1e-4 I (Thilak et al. 2023, arXiv
    2312.04000; there 1,000 images of 50 views).

    It sees noise where `gauges.effective_rank` takes it for dimensions. It depends on the views, so it compares runs
    with the same ones, and cannot tell whether what the views leave alone is of any use.

    Args:
        embeddings: (N, V, D) floating, of V views of each of N images, both at least 2.

    Returns:
        float, from 1 to min(N - 1, D).

    Raises:
        InputError: for another shape, or numbers that are not finite.

    Example:
        vectors = model.predict(tf.concat([views(images)[0] for _ in range(10)], 0))
        gauge = bk.evaluation.lidar(vectors.reshape(10, len(images), -1).swapaxes(0, 1))
    """
    embeddings = np.asarray(embeddings, np.float64)
    if embeddings.ndim != 3 or min(embeddings.shape[:2]) < 2:
        raise InputError(
            "`lidar` takes (N, V, D), at least two views of at least two images. "
            f"Received: embeddings of shape {embeddings.shape}"
        )
    if not np.isfinite(embeddings).all():
        raise InputError("`lidar` takes finite numbers. Received: embeddings with NaN or infinity")
    means = embeddings.mean(axis=1)
    between = means - means.mean(axis=0)
    within = (embeddings - means[:, None]).reshape(-1, embeddings.shape[2])
    values, vectors = np.linalg.eigh(within.T @ within / len(within) + WITHIN_EPSILON * np.eye(within.shape[1]))
    # The nonzero eigenvalues of the whitened covariance are the squared singular values of the whitened means.
    squares = np.linalg.svd(between @ vectors / np.sqrt(values), compute_uv=False) ** 2
    shares = squares / max(squares.sum(), np.finfo(np.float64).tiny) + SHARE_EPSILON
    return float(np.exp(-np.sum(shares * np.log(shares))))
