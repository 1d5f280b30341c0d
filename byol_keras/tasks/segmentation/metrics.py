"""Mean intersection over union, the score of semantic segmentation."""

import numpy as np

from .label_maps import VOID


def confusion(truth, predicted, classes):
    """How many pixels of each class were taken for each class.

    Args:
        truth: integers of any shape: class from 0 to C - 1, or VOID, which is left out.
        predicted: integers of the same shape, from 0 to C - 1.
        classes: int, C.

    Returns:
        (C, C) int64, a row a true class, a column a predicted one.
    """
    known = np.asarray(truth) != VOID
    pairs = np.asarray(truth)[known].astype(np.int64) * classes + np.asarray(predicted)[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_iou(counts):
    """Intersection over union of each class: correct / (true + predicted - correct), over all pixels at once.

    The definition of the Pascal VOC challenge (Everingham et al. 2015). The mean over the classes is
    `np.nanmean` of it.

    Args:
        counts: (C, C) of `confusion`, summed over all images.

    Returns:
        (C,) float64 from 0 to 1; NaN for a class that is nowhere in the truth.
    """
    counts = np.asarray(counts, np.float64)
    correct, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    union = true + predicted - correct
    return np.where(true > 0, correct / np.maximum(union, 1), np.nan)
