"""The head: a linear classifier of the frozen embeddings, trained in seconds on the labels there are."""

from typing import NamedTuple

import numpy as np

from ...evaluation.linear_head import LinearHead

FOLDS = 5
# Fewer labels say nothing about accuracy.
ENOUGH = 20


class Accuracy(NamedTuple):
    """An estimate: `share` of `count` images that are right, 0 to 1, and the `error` of that share (one sigma)."""

    share: float
    error: float
    count: int


def fit_head(embeddings, labels, class_names):
    """A `LinearHead`, or None while there are labels of fewer than two classes.

    Args:
        embeddings: (n, D) float, of the labeled images.
        labels: (n,) int, indices into `class_names`.
        class_names: K strings.
    """
    if len(np.unique(labels)) < 2:
        return None
    return LinearHead.fit(embeddings, labels, class_names)


def probabilities(head, embeddings):
    """softmax(embeddings @ weights + bias): (N, D) -> (N, K) float32, each row of sum 1."""
    scores = np.asarray(embeddings, np.float32) @ head.weights + head.bias
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def cross_validate(embeddings, labels, seed=0):
    """How often a head is right about labeled images it was not trained on, in FOLDS folds.

    Each fold has its share of every class. A class of one image is trained on and not judged, because without that
    image no head could know it. Where the labeled images were not chosen at random, the share among the others is
    another.

    Args:
        embeddings: (n, D) float.
        labels: (n,) int.
        seed: int, of the folds.

    Returns:
        Accuracy, or None for fewer than ENOUGH images, or where fewer than two classes have two images.
    """
    labels = np.asarray(labels)
    classes, counts = np.unique(labels, return_counts=True)
    if len(labels) < ENOUGH or np.sum(counts >= 2) < 2:
        return None
    judged = np.isin(labels, classes[counts >= 2])
    fold, right = _folds(labels, seed), np.zeros(len(labels), bool)
    names = [str(i) for i in range(labels.max() + 1)]
    for test in (judged & (fold == f) for f in range(FOLDS)):
        if test.any():
            head = LinearHead.fit(embeddings[~test], labels[~test], names)
            found = np.array(head.labels, int)[np.argmax(probabilities(head, embeddings[test]), axis=1)]
            right[test] = found == labels[test]
    count = int(judged.sum())
    share = float(right.sum() / count)
    return Accuracy(share, float(np.sqrt(share * (1 - share) / count)), count)


def _folds(labels, seed):
    """The fold of each image, (n,) int: of a class, every fold gets as many as the others, or one more."""
    # scikit-learn's StratifiedKFold warns of every class with fewer images than folds, the usual case here.
    generator = np.random.default_rng(seed)
    folds = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        folds[members] = (np.arange(len(members)) + generator.integers(FOLDS)) % FOLDS
    return folds
