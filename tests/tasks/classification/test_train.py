import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.data.arrays import from_arrays
from byol_keras.data.train_pipeline import labeled_batches
from byol_keras.errors import InputError
from byol_keras.evaluation import LinearHead
from byol_keras.runs.classifier import parts
from byol_keras.tasks.classification.model import predict_probabilities
from byol_keras.tasks.classification.train import FinetuneConfig, finetune_classifier
from byol_keras.utils.private_api import all_layers


@pytest.fixture(scope="module")
def source():
    """60 images of three classes that differ in color."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = rng.integers(0, 120, (60, 8, 8, 3), np.uint8)
    images[np.arange(60), :, :, labels] += 60
    return from_arrays(images, labels)


def test_two_updates_are_nesterovs(tiny_encoder, source):
    """With momentum 0.9: v = 0.9 v - rate * g, w += 0.9 v - rate * g; g of the mean cross-entropy, batch norm training.

    The head is 0 at the first update, so only the second has a gradient in the encoder.
    """
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    before = encoder.get_weights()
    copy = keras.models.clone_model(encoder)
    copy.set_weights(before)
    variables = [*(v.value for v in copy.trainable_variables), tf.Variable(tf.zeros((4, 3))), tf.Variable(tf.zeros(3))]
    velocities = [np.zeros(v.shape, np.float32) for v in variables]
    # The cosine to 0 is half-way down at the second of two updates.
    for rate, (images, labels) in zip((0.5, 0.25), labeled_batches(source, 8, 20, 2, seed=3), strict=True):
        with tf.GradientTape() as tape:
            logits = copy(images, training=True) @ variables[-2] + variables[-1]
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for i, slope in enumerate(tape.gradient(loss, variables)):
            velocities[i] = 0.9 * velocities[i] - rate * slope.numpy()
            variables[i].assign_add(0.9 * velocities[i] - rate * slope.numpy())

    classifier = finetune_classifier(encoder, source, 3, FinetuneConfig(0.5, 2, 20), seed=3, precision="float32")
    tuned, head = parts(classifier)
    for ours, theirs in zip([*map(np.asarray, tuned.trainable_variables), *head], variables, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)
    assert np.abs(tuned.get_weights()[0] - before[0]).max() > 1e-3
    # The moving statistics moved as batch norm in training mode moves them.
    for ours, theirs in zip(tuned.non_trainable_variables, copy.non_trainable_variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    for weight, old in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_training_tells_the_classes_apart(tiny_encoder, source):
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    train, test = source.subset(slice(45)), source.subset(slice(45, None))
    classifier = finetune_classifier(encoder, train, 3, FinetuneConfig(0.1, 60, 20), seed=1, precision="float32")
    scores = predict_probabilities(classifier, test)
    assert scores.shape == (15, 3)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(
        scores, classifier.predict(test.images / np.float32(255), verbose=0), rtol=1e-4, atol=1e-6
    )
    assert np.mean(scores.argmax(axis=1) == test.labels) > 0.85


def test_trained_in_bfloat16_it_computes_in_float32(tiny_encoder, source):
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    exact, rounded = (
        finetune_classifier(encoder, source, 3, FinetuneConfig(0.1, 5, 20), seed=1, precision=precision)
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.abs(predict_probabilities(rounded, source) - predict_probabilities(exact, source)).max() < 0.1
    assert {layer.compute_dtype for layer in all_layers(rounded)} == {"float32"}


@pytest.mark.slow
def test_the_seed_decides(tiny_encoder, source):
    keras.utils.set_random_seed(0)
    encoder = tiny_encoder()
    first, again, other = (
        predict_probabilities(
            finetune_classifier(encoder, source, 3, FinetuneConfig(0.1, 3, 20), seed=seed, precision="float32"), source
        )
        for seed in (1, 1, 2)
    )
    np.testing.assert_allclose(first, again, rtol=1e-5, atol=1e-6)
    assert np.abs(first - other).max() > 1e-3


def test_a_head_to_begin_with(tiny_encoder, source):
    rng = np.random.default_rng(1)
    head = LinearHead(rng.normal(size=(4, 3)), rng.normal(size=3), ("a", "b", "c"))
    classifier = finetune_classifier(tiny_encoder(), source, 3, FinetuneConfig(1e-9, 1, 20), head, precision="float32")
    for ours, given in zip(parts(classifier)[1], (head.weights, head.bias), strict=True):
        np.testing.assert_allclose(ours, given, rtol=1e-5)


def test_what_cannot_be_trained(tiny_encoder, source):
    with pytest.raises(InputError, match="A batch of 64 is larger than the data, 60 images"):
        finetune_classifier(tiny_encoder(), source, 3, FinetuneConfig(0.1, 3, 64))
    with pytest.raises(InputError, match="float32 or bfloat16"):
        finetune_classifier(tiny_encoder(), source, 3, FinetuneConfig(0.1, 3, 20), precision="float16")
