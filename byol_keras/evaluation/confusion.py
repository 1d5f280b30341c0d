"""How a classifier's predictions fall on the classes, and what follows from it."""

import numpy as np


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """How many images of each class were taken for each.

    Args:
        labels: (N,) int, the true classes, from 0 to `classes` - 1.
        predictions: (N,) int, likewise.
        classes: int, C.

    Returns:
        (C, C) int64: a row for each true class, a column for each predicted one.

    Example:
        counts = bk.evaluation.confusion_matrix(test.labels, predictions, len(test.class_names))
    """
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predictions, np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> tuple[float, float]:
    """The share of images that got their class, and its standard error.

    Args:
        confusion: (C, C) int, see `confusion_matrix`; at least one image.

    Returns:
        Two floats from 0 to 1; the error is that of a share of independent images.
    """
    count = confusion.sum()
    share = np.trace(confusion) / count
    return float(share), float(np.sqrt(share * (1 - share) / count))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """(C,) float: of each class the share that got it; NaN for a class of no image."""
    counts = confusion.sum(axis=1)
    return np.divide(np.diagonal(confusion), counts, out=np.full(len(confusion), np.nan), where=counts > 0)


def balanced_accuracy(confusion: np.ndarray) -> tuple[float, float]:
    """The mean recall of the classes that occur, and its standard error: always answering one of C classes gives 1 / C.

    Args:
        confusion: (C, C) int, see `confusion_matrix`; at least one image.

    Returns:
        Two floats from 0 to 1.
    """
    counts = confusion.sum(axis=1)
    recall, counts = recalls(confusion)[counts > 0], counts[counts > 0]
    return float(recall.mean()), float(np.sqrt(np.sum(recall * (1 - recall) / counts)) / len(counts))
