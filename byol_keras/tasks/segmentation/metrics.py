"""Mean intersection over union, the score of semantic segmentation."""

import keras
import numpy as np

from .dataset import SegmentationDataset
from .label_maps import VOID
from .model import segmenter_function


def confusion(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """How many pixels of each class were taken for each class.

    Args:
        truth: integers of any shape: class from 0 to C - 1, or VOID, which is not counted.
        predicted: integers of the same shape, from 0 to C - 1.
        num_classes: int, C.

    Returns:
        (C, C) int64, a row per true class, a column per predicted one.

    Example:
        counts = bk.tasks.confusion(test.labels(0), predict(test.image(0)), len(test.class_names))
    """
    known = np.asarray(truth) != VOID
    pairs = np.asarray(truth)[known].astype(np.int64) * num_classes + np.asarray(predicted)[known]
    return np.bincount(pairs, minlength=num_classes * num_classes).reshape(num_classes, num_classes)


def class_iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class: correct / (true + predicted - correct), over all pixels at once.

    The definition of the Pascal VOC challenge (Everingham et al. 2015). The mean over the classes is
    `np.nanmean` of it.

    Args:
        counts: (C, C) of `confusion`, summed over all images.

    Returns:
        (C,) float64 from 0 to 1; NaN for a class that is nowhere in the truth.

    Example:
        mean_iou = np.nanmean(bk.tasks.class_iou(bk.tasks.segmenter_confusion(model, test)))
    """
    counts = np.asarray(counts, np.float64)
    correct, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    union = true + predicted - correct
    return np.where(true > 0, correct / np.maximum(union, 1), np.nan)


def segmenter_confusion(model: keras.Model, dataset: SegmentationDataset) -> np.ndarray:
    """The confusion of classes over all images, at the size of their label maps.

    Args:
        model: of `build_segmenter` or `load_segmenter`.
        dataset: `SegmentationDataset`.

    Returns:
        (C, C) int64, see `confusion`.

    Example:
        counts = bk.tasks.segmenter_confusion(model, test)
    """
    predict = segmenter_function(model)
    counts = np.zeros((len(dataset.class_names),) * 2, np.int64)
    for i in range(len(dataset)):
        counts += confusion(dataset.labels(i), predict(dataset.image(i)), len(dataset.class_names))
    return counts
