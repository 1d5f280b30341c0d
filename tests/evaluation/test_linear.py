import keras
import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.errors import InputError
from byol_keras.evaluation import LinearHead, linear_accuracy, linear_accuracy_sgd
from byol_keras.evaluation.linear import linear_predictions_sgd
from byol_keras.evaluation.linear_head import logits


@pytest.fixture(scope="module")
def clusters():
    """Vectors of very different scales and their classes, 2, 5 and 6."""
    rng = np.random.default_rng(0)
    labels = rng.choice([2, 5, 6], 150)
    centers = rng.normal(size=(7, 5))
    vectors = (centers[labels] + rng.normal(size=(150, 5))) * [1, 100, 0.01, 1, 5] + [0, 3, 9, 0, 0]
    return vectors.astype(np.float32), labels


@pytest.mark.parametrize("count", [2, 3])
def test_logistic_regression_is_at_the_minimum_of_its_objective(clusters, count):
    """C * sum of cross-entropies + |W|^2 / 2 on standardized vectors has no slope where the fit ends."""
    vectors, labels = clusters
    chosen = np.isin(labels, [2, 5, 6][:count])
    vectors, labels, c = vectors[chosen], labels[chosen], 0.5
    head = LinearHead.fit(vectors, labels, range(7), c)
    classes, weights, bias = np.array(head.labels, int), head.weights.astype(np.float64), head.bias
    assert classes.tolist() == [2, 5, 6][:count]
    mean, std = vectors.mean(0, np.float64), vectors.std(0, dtype=np.float64)
    scores = vectors @ weights + bias
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    error = probabilities - (labels[:, None] == classes)
    standard = weights * std[:, None]  # the weights on standardized vectors
    slope = c * ((vectors - mean) / std).T @ error + standard
    if count == 2:  # one vector of weights, the first class's logit stays 0
        slope = slope[:, 1:]
        assert not weights[:, 0].any()
        assert bias[0] == 0
    # The fit ends where the mean over the images and C has a slope below its tolerance, 1e-3; weights are about 1.
    limit = 1e-3 * c * len(labels)
    assert np.abs(slope).max() < limit < 0.1 * np.abs(standard).max()
    assert np.abs(c * error.sum(0)).max() < limit  # the bias has no penalty


def test_accuracy_counts_the_right_ones(clusters):
    vectors, labels = clusters
    head = LinearHead.fit(vectors[:100], labels[:100], range(7))
    top_1 = np.array(head.labels, int)[np.argmax(logits(head, vectors[100:]), axis=1)]
    right = np.mean(top_1 == labels[100:])
    assert 0.5 < right < 1
    assert linear_accuracy(vectors[:100], labels[:100], vectors[100:], labels[100:]) == right
    # The scale of the embeddings does not matter.
    assert linear_accuracy(1e3 * vectors[:100], labels[:100], 1e3 * vectors[100:], labels[100:]) == right


def test_sgd_tells_colors_apart_and_leaves_the_encoder_alone():
    rng = np.random.default_rng(0)
    labels = np.arange(48) % 2
    images = rng.integers(0, 100, (48, 8, 8, 3), np.uint8)
    images[..., 0] += (120 * labels[:, None, None]).astype(np.uint8)
    layers = keras.layers.Rescaling(8.0, -3.0), keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D()
    encoder = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    before = encoder.get_weights()
    source = from_arrays(images, labels)
    accuracy = linear_accuracy_sgd(encoder, source.subset(slice(32)), source.subset(slice(32, None)), epochs=60)
    assert accuracy > 0.9
    for weight, old in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize("probe", [linear_accuracy_sgd, linear_predictions_sgd])
def test_sgd_refuses_one_class(probe, tiny_encoder):
    source = from_arrays(np.zeros((4, 8, 8, 3), np.uint8), [3] * 4)
    with pytest.raises(InputError, match=r"takes two classes at least\. Received: labels of 1"):
        probe(tiny_encoder(), source, source)
