"""The head and the estimate of its accuracy, beside scikit-learn's own."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from byol_keras.errors import InputError
from byol_keras.evaluation import LinearHead, cross_validate, probabilities
from byol_keras.evaluation.linear_head import ENOUGH, _folds


def blobs(counts, seed=0, std=1.0):
    """Embeddings around one corner a class."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    corners = 3 * np.eye(len(counts), 5)
    return (corners[labels] + generator.normal(0, std, (len(labels), 5))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_logistic_regression(classes):
    embeddings, labels = blobs([8] * classes)
    head = LinearHead.fit(embeddings, labels, ("a", "b", "c")[:classes])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3)).fit(embeddings, labels)
    expected = model.predict_proba(embeddings)
    np.testing.assert_allclose(probabilities(head, embeddings), expected, atol=1e-5)


def test_large_scores_do_not_overflow():
    embeddings, labels = blobs([4, 4])
    head = LinearHead.fit(embeddings, labels, ("a", "b"))
    found = probabilities(head, 1e6 * embeddings)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_probabilities_are_the_softmax():
    # Logits 0, ln 2, ln 5: 1, 2 and 5 eighths; a shift of all changes nothing, and a thousand does not overflow.
    head, logits = LinearHead(np.eye(3), np.zeros(3), ("cat", "dog", "fox")), np.log([[1.0, 2.0, 5.0]])
    for shift in (0, 1000):
        np.testing.assert_allclose(probabilities(head, logits + shift), [[0.125, 0.25, 0.625]])
    assert probabilities(head, logits.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("labels", [[], [1, 1, 1]])
def test_no_head_without_two_classes(labels):
    with pytest.raises(InputError):
        LinearHead.fit(np.zeros((len(labels), 5)), np.array(labels, int), ("a", "b"))


def test_cross_validation_by_hand():
    embeddings, labels = blobs([20, 12, 9], std=1.6)
    folds, right = _folds(labels, 0), 0
    for fold in range(5):
        train, test = folds != fold, folds == fold
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3))
        right += (model.fit(embeddings[train], labels[train]).predict(embeddings[test]) == labels[test]).sum()
    found = cross_validate(embeddings, labels)
    assert found.count == 41
    assert found.share == right / 41
    assert 0.3 < found.share < 1
    assert found.error == pytest.approx(np.sqrt(found.share * (1 - found.share) / 41))


def test_the_estimate_is_that_of_new_images():
    embeddings, labels = blobs([60, 60, 60], std=2.0)
    others, truth = blobs([1000, 1000, 1000], seed=1, std=2.0)
    head = LinearHead.fit(embeddings, labels, ("a", "b", "c"))
    share = np.mean(np.argmax(probabilities(head, others), axis=1) == truth)
    found = cross_validate(embeddings, labels)
    assert abs(found.share - share) < 3 * found.error


def test_labels_without_meaning_are_guessed_no_better_than_by_chance():
    embeddings = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 4, 200)
    assert cross_validate(embeddings, labels).share < 0.4


def test_folds_share_every_class_evenly():
    labels = np.repeat([0, 1, 2], [13, 2, 5])
    folds = _folds(labels, 3)
    for label, most in ((0, 3), (1, 1), (2, 1)):
        assert np.bincount(folds[labels == label]).max() == most


def test_a_class_of_one_image_is_not_counted():
    embeddings, labels = blobs([12, 12, 1], std=0.1)
    assert cross_validate(embeddings, labels) == (1.0, 0.0, 24)


@pytest.mark.parametrize("counts", [[10, ENOUGH - 11], [ENOUGH], [ENOUGH, 1]])
def test_no_estimate_from_too_few(counts):
    embeddings, labels = blobs(counts)
    assert cross_validate(embeddings, labels) is None
