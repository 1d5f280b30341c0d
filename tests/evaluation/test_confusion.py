"""Confusion matrices and what follows from them, by hand and by scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics

from byol_keras.evaluation.confusion import accuracy, balanced_accuracy, confusion_matrix, recalls

# 4 of 5 of the first class are right, 1 of 4 of the second, none is of the third.
COUNTS = np.array([[4, 1, 0], [2, 1, 1], [0, 0, 0]])
LABELS = np.repeat([0, 1], [5, 4])
PREDICTIONS = np.array([0, 0, 0, 0, 1, 0, 0, 1, 2])


def test_hand_case():
    # 5 of 9 are right: sqrt(5/9 * 4/9 / 9) = 0.16563.
    assert accuracy(LABELS, PREDICTIONS) == pytest.approx((5 / 9, 0.1656347), abs=1e-6)
    np.testing.assert_array_equal(confusion_matrix(LABELS, PREDICTIONS, 3), COUNTS)
    np.testing.assert_array_equal(recalls(COUNTS), [0.8, 0.25, np.nan])
    # (0.8 + 0.25) / 2; sqrt(0.8 * 0.2 / 5 + 0.25 * 0.75 / 4) / 2 = 0.14042.
    assert balanced_accuracy(LABELS, PREDICTIONS) == pytest.approx((0.525, 0.1404235), abs=1e-6)


def test_it_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, predictions = rng.choice(4, 200, p=[0.6, 0.2, 0.1, 0.1]), rng.integers(0, 4, 200)
    counts = confusion_matrix(labels, predictions, 4)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(labels, predictions))
    assert accuracy(labels, predictions)[0] == pytest.approx(metrics.accuracy_score(labels, predictions))
    expected = metrics.balanced_accuracy_score(labels, predictions)
    assert balanced_accuracy(labels, predictions)[0] == pytest.approx(expected)


def test_numbers_of_classes_may_be_large_and_have_gaps():
    # A matrix of so many would be 800 GB.
    labels, predictions = np.array([0, 0, 9_999_999, 7]), np.array([0, 7, 9_999_999, 12])
    assert accuracy(labels, predictions)[0] == 0.5
    assert balanced_accuracy(labels, predictions)[0] == pytest.approx((0.5 + 1 + 0) / 3)


def test_the_standard_errors_are_those_of_repeated_draws():
    rng = np.random.default_rng(1)
    labels, recall = np.repeat([0, 1], [150, 50]), np.repeat([0.9, 0.4], [150, 50])
    drawn = [balanced_accuracy(labels, np.where(rng.random(200) < recall, labels, 2)) for _ in range(4000)]
    assert drawn[0][1] == pytest.approx(np.std([share for share, _ in drawn]), rel=0.1)
