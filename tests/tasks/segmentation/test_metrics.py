"""Intersection over union, counted by hand and by Keras."""

import keras
import numpy as np

from byol_keras.tasks.segmentation.label_maps import VOID
from byol_keras.tasks.segmentation.metrics import class_iou, confusion

TRUTH = np.array([[0, 0, 1], [1, 1, VOID]], np.uint8)
PREDICTED = np.array([[0, 1, 1], [1, 2, 2]], np.uint8)


def test_confusion_by_hand():
    np.testing.assert_array_equal(confusion(TRUTH, PREDICTED, 3), [[1, 1, 0], [0, 2, 1], [0, 0, 0]])


def test_class_iou_by_hand():
    # Class 0: 1 right of 2 true, nothing else taken for it. Class 1: 2 right, 3 true, 3 predicted, so 2 / (3 + 3 - 2).
    # Class 2 is nowhere in the truth.
    np.testing.assert_allclose(class_iou(confusion(TRUTH, PREDICTED, 3)), [1 / 2, 2 / 4, np.nan])


def test_a_class_that_is_never_found_has_zero():
    np.testing.assert_allclose(class_iou(np.array([[3, 0], [2, 0]])), [3 / 5, 0])


def test_the_mean_is_keras_mean_iou():
    generator = np.random.default_rng(0)
    truth, predicted = generator.integers(0, 5, (2, 3, 20, 30))
    truth[generator.random(truth.shape) < 0.1] = VOID
    metric = keras.metrics.MeanIoU(5, ignore_class=VOID)
    counts = 0
    for one_truth, one_prediction in zip(truth, predicted, strict=True):
        metric.update_state(one_truth, one_prediction)
        counts = counts + confusion(one_truth, one_prediction, 5)
    np.testing.assert_allclose(np.nanmean(class_iou(counts)), float(metric.result()), rtol=1e-6)
