"""The weighted k-nearest-neighbor classifier."""

import numpy as np

from ..errors import InputError
from .neighbors import l2_normalize_rows


def knn_accuracy(train, train_labels, test, test_labels, k=20, temperature=0.07):
    """Share of test images whose class wins the vote of their k nearest training images.

    Neighbors are found by cosine similarity, and each votes with exp(similarity / temperature), after Wu et al. 2018
    (arXiv 1805.01978).

    Args:
        train, test: (N, D) and (M, D) float embeddings.
        train_labels, test_labels: (N,) and (M,) int.
        k: int, at most N.
        temperature: float > 0.

    Returns:
        float, from 0 to 1.

    Raises:
        InputError: when k is larger than the number of training images.
    """
    if k > len(train):
        raise InputError(f"{k} neighbors are asked of {len(train)} training images: give more images.")
    return float(_classifier(train, train_labels, k, temperature).score(l2_normalize_rows(test), test_labels))


def knn_leave_one_out(vectors, labels, k=20, temperature=0.07):
    """Which images get their own class by the vote of their k nearest others, as in `knn_accuracy`.

    Args:
        vectors: (N, D) float embeddings.
        labels: (N,) int.
        k: int, below N.
        temperature: float > 0.

    Returns:
        (N,) bool.

    Raises:
        InputError: when there are not more than k images.
    """
    if k >= len(vectors):
        raise InputError(f"{k} neighbors are asked of the others of {len(vectors)} images: give more images.")
    return _classifier(vectors, labels, k, temperature).predict(None) == np.asarray(labels)


def _classifier(train, train_labels, k, temperature):
    from sklearn.neighbors import KNeighborsClassifier

    def vote(distance):
        # Of unit vectors: distance^2 = 2 - 2 cosine. The constant exp(1 / T) would overflow and changes no vote.
        return np.exp(-np.square(distance) / (2.0 * temperature))

    classifier = KNeighborsClassifier(k, weights=vote, algorithm="brute", metric="euclidean")
    return classifier.fit(l2_normalize_rows(train), train_labels)
