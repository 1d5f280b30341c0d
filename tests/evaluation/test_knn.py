import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.evaluation import knn_accuracy, knn_leave_one_out


def at(*degrees):
    """Vectors of different lengths in these directions: only the direction may count."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.linspace(0.5, 3, len(angles))[:, None]


def test_a_near_neighbor_outvotes_two_that_are_farther():
    # Cosines to 0 degrees: 1, 0.5, 0.5. exp(1 / T) beats 2 exp(0.5 / T) where T < 0.5 / ln 2 = 0.72.
    train, labels = at(0, 60, -60), np.array([0, 1, 1])
    assert knn_accuracy(train, labels, at(0), [0], k=3, temperature=0.70) == 1
    assert knn_accuracy(train, labels, at(0), [0], k=3, temperature=0.75) == 0


def test_only_k_neighbors_vote():
    train, labels = at(1, 20, 21, 22), np.array([0, 1, 1, 1])
    assert knn_accuracy(train, labels, at(0), [0], k=1, temperature=100.0) == 1
    assert knn_accuracy(train, labels, at(0), [0], k=4, temperature=100.0) == 0


def voted(train, labels, test, k, temperature):
    """The rule of Wu et al., written out."""
    normalized = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (train, test)]
    chosen = []
    for similarities in normalized[1] @ normalized[0].T:
        nearest = np.argsort(-similarities)[:k]
        votes = np.zeros(labels.max() + 1)
        np.add.at(votes, labels[nearest], np.exp(similarities[nearest] / temperature))
        chosen.append(votes.argmax())
    return np.array(chosen)


def test_the_same_as_the_rule_written_out():
    rng = np.random.default_rng(0)
    labels, test_labels = rng.integers(0, 4, 120), rng.integers(0, 4, 80)
    centers = rng.normal(size=(4, 6))
    train, test = (centers[y] + rng.normal(size=(len(y), 6)) for y in (labels, test_labels))
    right = np.mean(voted(train, labels, test, 20, 0.07) == test_labels)
    assert 0.4 < right < 1
    assert knn_accuracy(train, labels, test, test_labels) == pytest.approx(right)
    alone = [voted(np.delete(train, i, 0), np.delete(labels, i), train[i : i + 1], 20, 0.07)[0] for i in range(120)]
    np.testing.assert_array_equal(knn_leave_one_out(train, labels), np.array(alone) == labels)


def test_more_neighbors_than_images():
    with pytest.raises(InputError, match=r"20 neighbors need as many training images: .* Received: 3 images"):
        knn_accuracy(at(0, 1, 2), [0, 0, 1], at(0), [0])
    with pytest.raises(InputError, match=r"need more images than that: .* Received: 3 images"):
        knn_leave_one_out(at(0, 1, 2), [0, 0, 1], k=3)
