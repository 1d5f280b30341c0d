"""Average precision against numbers worked out by hand."""

import sys

import numpy as np
import pytest

from byol_keras.data.images import ImageSource
from byol_keras.errors import InputError
from byol_keras.tasks.detection.dataset import DetectionDataset
from byol_keras.tasks.detection.metrics import coco_metrics


def boxed(boxes, classes=None, crowd=None, names=("car",)):
    count = len(boxes)
    return DetectionDataset(
        ImageSource(names=tuple(map(str, range(count))), sizes=np.full((count, 2), 100)),
        boxes=tuple(np.array(b, np.float32).reshape(-1, 4) for b in boxes),
        classes=tuple(np.array(c, np.int64) for c in classes or [[0] * len(b) for b in boxes]),
        crowd=tuple(np.array(c, bool) for c in crowd or [[False] * len(b) for b in boxes]),
        class_names=names,
    )


def found(boxes, scores, classes=None):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return boxes, np.array(classes or [0] * len(boxes)), np.array(scores, np.float32)


def test_everything_found_is_one():
    truth = boxed([[[10, 10, 30, 30]], [[0, 0, 50, 40]]])
    scores = coco_metrics(truth, [found([[10, 10, 30, 30]], [0.9]), found([[0, 0, 50, 40]], [0.2])])
    assert scores == {"mAP": 1.0, "mAP50": 1.0}


def test_one_of_two_found_counts_the_51_recalls_up_to_a_half():
    # Precision is taken at the recalls 0, 0.01 to 1: it is 1 at 51 of the 101, 0 at the others.
    truth = boxed([[[10, 10, 30, 30], [50, 50, 70, 70]]])
    scores = coco_metrics(truth, [found([[10, 10, 30, 30]], [0.9])])
    assert scores["mAP"] == pytest.approx(51 / 101)


def test_a_loose_box_counts_up_to_its_overlap():
    # 20 x 20 inside 20 x 30: overlap 2 / 3, enough for .50, .55, .60 and .65 of the ten.
    truth = boxed([[[10, 10, 30, 40]]])
    scores = coco_metrics(truth, [found([[10, 10, 30, 30]], [0.9])])
    assert scores["mAP"] == pytest.approx(0.4)
    assert scores["mAP50"] == pytest.approx(1.0)


def test_a_surer_false_detection_halves_the_precision():
    truth = boxed([[[10, 10, 30, 30]]])
    scores = coco_metrics(truth, [found([[60, 60, 90, 90], [10, 10, 30, 30]], [0.9, 0.5])])
    assert scores["mAP50"] == pytest.approx(0.5)


def test_detections_on_a_crowd_are_neither_right_nor_wrong():
    truth = boxed([[[10, 10, 30, 30], [60, 60, 90, 90]]], crowd=[[False, True]])
    scores = coco_metrics(truth, [found([[62, 62, 80, 80], [10, 10, 30, 30]], [0.9, 0.5])])
    assert scores["mAP50"] == pytest.approx(1.0)


def test_classes_count_alike_whatever_their_size():
    # All three cars found, the van taken for a car.
    truth = boxed(
        [[[0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9], [60, 60, 90, 90]]], [[0, 0, 0, 1]], None, ("car", "van")
    )
    guess = found(truth.boxes[0], [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0])
    assert coco_metrics(truth, [guess])["mAP50"] == pytest.approx(0.5)


def test_nothing_found_is_zero():
    assert coco_metrics(boxed([[[10, 10, 30, 30]]]), [found([], [])]) == {"mAP": 0.0, "mAP50": 0.0}


def test_without_pycocotools_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    with pytest.raises(InputError, match=r"byol_keras\[detection\]"):
        coco_metrics(boxed([[[10, 10, 30, 30]]]), [found([], [])])
