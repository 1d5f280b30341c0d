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


def recalls(confusion: np.ndarray) -> np.ndarray:
    """(C,) float: of each class the share that got it; NaN for a class of no image."""
    counts = confusion.sum(axis=1)
    return np.divide(np.diagonal(confusion), counts, out=np.full(len(confusion), np.nan), where=counts > 0)


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> tuple[float, float]:
    """The share of images that got their class, and its standard error.

    Args:
        labels: (N,) int, the true classes, N at least 1.
        predictions: (N,) int.

    Returns:
        Two floats from 0 to 1; the error is that of a share of independent images.
    """
    share = np.mean(np.asarray(labels) == np.asarray(predictions))
    return float(share), float(np.sqrt(share * (1 - share) / len(labels)))


def balanced_accuracy(labels: np.ndarray, predictions: np.ndarray) -> tuple[float, float]:
    """The mean recall of the classes that occur, and its standard error: always answering one of C classes gives 1 / C.

    Args:
        labels: (N,) int, the true classes, N at least 1.
        predictions: (N,) int.

    Returns:
        Two floats from 0 to 1.

    Example:
        share, error = bk.evaluation.balanced_accuracy(test.labels, predictions)
    """
    # Not by a matrix, which of many classes would not fit into memory.
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    right = np.bincount(numbers[np.asarray(labels) == np.asarray(predictions)], minlength=len(counts))
    recall = right / counts
    return float(recall.mean()), float(np.sqrt(np.sum(recall * (1 - recall) / counts)) / len(counts))
