"""The weighted k-nearest-neighbor classifier."""

import numpy as np

from ..errors import InputError
from ..utils.extras import require_extra
from .neighbors import l2_normalize_rows


def knn_accuracy(
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Share of test images whose class wins the vote of their k nearest training images.

    Neighbors are found by cosine similarity, and each votes with exp(similarity / temperature), after Wu et al. 2018
    (arXiv 1805.01978).

    Args:
        train: (N, D) float embeddings.
        train_labels: (N,) int.
        test: (M, D) float embeddings.
        test_labels: (M,) int.
        k: int, at most N.
        temperature: float > 0.

    Returns:
        float, from 0 to 1.

    Raises:
        InputError: when k is larger than the number of training images, or scikit-learn is not installed.

    Example:
        vectors, test_vectors = (bk.evaluation.embed(encoder, source) for source in (train, test))
        accuracy = bk.evaluation.knn_accuracy(vectors, train.labels, test_vectors, test.labels)
    """
    return float(np.mean(knn_predictions(train, train_labels, test, k, temperature) == test_labels))


def knn_predictions(
    train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, k: int = 20, temperature: float = 0.07
) -> np.ndarray:
    """The classes of the test images by the vote of their neighbors, (M,) int; as for `knn_accuracy`."""
    if k > len(train):
        raise InputError(f"{k} neighbors need as many training images: give more. Received: {len(train)} images")
    return _classifier(train, train_labels, k, temperature).predict(l2_normalize_rows(test))


def knn_leave_one_out(vectors: np.ndarray, labels: np.ndarray, k: int = 20, temperature: float = 0.07) -> np.ndarray:
    """Which images get their own class by the vote of their k nearest others, as in `knn_accuracy`.

    Args:
        vectors: (N, D) float embeddings.
        labels: (N,) int.
        k: int, below N.
        temperature: float > 0.

    Returns:
        (N,) bool.

    Raises:
        InputError: when there are not more than k images, or scikit-learn is not installed.

    Example:
        accuracy = bk.evaluation.knn_leave_one_out(vectors, source.labels).mean()
    """
    if k >= len(vectors):
        raise InputError(f"{k} neighbors need more images than that: give more. Received: {len(vectors)} images")
    return _classifier(vectors, labels, k, temperature).predict(None) == np.asarray(labels)


def _classifier(train, train_labels, k, temperature):
    require_extra("A k-NN classifier", "sklearn")
    from sklearn.neighbors import KNeighborsClassifier

    def vote(distance):
        # Of vectors of length 1: distance^2 = 2 - 2 cosine. The constant exp(1 / T) would overflow and changes no vote.
        return np.exp(-np.square(distance) / (2.0 * temperature))

    classifier = KNeighborsClassifier(k, weights=vote, algorithm="brute", metric="euclidean")
    return classifier.fit(l2_normalize_rows(train), train_labels)
