import sys

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.verification.metrics import (
    best_threshold,
    fold_accuracies,
    pair_similarities,
    roc_auc,
    true_accept_rate,
    whitening,
)


def yes(*numbers):
    return np.array(numbers, bool)


def test_similarity_is_the_cosine():
    vectors = np.array([[3, 4], [6, 8], [-4, 3], [0, 0]], np.float32)
    places = np.array([[0, 1], [0, 2], [1, 3], [2, 2]])
    np.testing.assert_allclose(pair_similarities(vectors, places), [1, 0, 0, 1], atol=1e-12)


def test_the_best_threshold_by_trying_all():
    generator = np.random.default_rng(0)
    for _ in range(20):
        same = generator.random(30) < 0.5
        scores = np.round(generator.normal(same, 1.0), 1)  # rounded, so that some are equal
        accuracies = {t: np.mean((scores >= t) == same) for t in [*scores, np.inf]}
        assert accuracies[best_threshold(scores, same)] == max(accuracies.values())


def test_accuracy_in_a_fold_is_by_the_threshold_of_the_others():
    scores = np.array([0.9, 0.5, 0.2, 0.8, 0.6, 0.1])
    same, folds = yes(1, 1, 0, 1, 0, 0), np.array([4, 4, 4, 9, 9, 9])
    # Of fold 9, the threshold is 0.8: 0.5 is rejected in fold 4. Of fold 4, it is 0.5: 0.6 is accepted in fold 9.
    assert fold_accuracies(scores, same, folds) == [pytest.approx(2 / 3), pytest.approx(2 / 3)]
    # Its own threshold would have been right for all of fold 4.
    assert fold_accuracies(scores[[0, 1, 2] * 2], same[[0, 1, 2] * 2], folds) == [1, 1]


def test_area_is_the_share_of_rightly_ordered_couples():
    generator = np.random.default_rng(1)
    same = np.arange(40) < 15
    scores = np.round(generator.normal(0.8 * same, 1.0), 1)
    couples = scores[same][:, None] - scores[~same][None, :]
    assert roc_auc(scores, same) == pytest.approx(np.mean((couples > 0) + 0.5 * (couples == 0)))


def test_true_accepts_at_a_share_of_false_ones():
    scores, same = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1]), yes(1, 1, 0, 1, 0, 1, 0, 1, 0)
    assert true_accept_rate(scores, same, 0.0) == pytest.approx(2 / 5)
    assert true_accept_rate(scores, same, 0.24) == pytest.approx(2 / 5)
    assert true_accept_rate(scores, same, 0.25) == pytest.approx(3 / 5)
    assert true_accept_rate(scores, same, 0.5) == pytest.approx(4 / 5)
    # Of equal scores, none passes without the others.
    assert true_accept_rate(np.ones(9), same, 0.5) == 0


def test_one_percent_unless_told():
    scores = np.arange(300)[::-1]
    same = np.ones(300, bool)
    same[[10, 20, *range(102, 300)]] = False  # 200 of two: two of them may pass
    assert true_accept_rate(scores, same) == 1
    same[50] = False
    assert true_accept_rate(scores, same) == pytest.approx(48 / 99)


def test_whitened_vectors_have_the_identity_as_covariance_but_for_the_shrinkage():
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(500, 4)) @ generator.normal(size=(4, 4)) * 1e-3 + 5
    mean, matrix = whitening(vectors)
    whitened = (vectors - mean) @ matrix
    np.testing.assert_allclose(whitened.mean(axis=0), 0, atol=1e-9)
    covariance = np.cov(vectors.T, ddof=0)
    shrunk = 0.9 * covariance + 0.1 * np.trace(covariance) / 4 * np.eye(4)
    np.testing.assert_allclose(matrix @ matrix.T, np.linalg.inv(shrunk), rtol=1e-8)
    # A variance v of a principal direction becomes v / (0.9 v + 0.1 mean of all v).
    v = np.linalg.eigvalsh(covariance)
    expected = np.sort(v / (0.9 * v + 0.1 * v.mean()))
    np.testing.assert_allclose(np.linalg.eigvalsh(np.cov(whitened.T, ddof=0)), expected, rtol=1e-8)


@pytest.mark.parametrize("count", [2, 3])
def test_whitening_of_fewer_images_than_numbers_and_of_silent_units(count):
    vectors = np.zeros((count, 6))
    vectors[:, 0] = np.arange(count)
    mean, matrix = whitening(vectors)
    assert np.isfinite((vectors - mean) @ matrix).all()
    mean, matrix = whitening(np.ones((count, 6)))
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize("metric", [best_threshold, roc_auc, true_accept_rate])
def test_without_scikit_learn_the_error_names_it(metric, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    with pytest.raises(InputError, match="scikit-learn"):
        metric(np.array([0.1, 0.9]), yes(0, 1))
    with pytest.raises(InputError, match="scikit-learn"):
        whitening(np.eye(2))
