"""The critic: its loss, the reversed gradient, the samples, and that embeddings come to the prior by it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.objectives.critic import EVALUATION_SEED, reversed_gradient

from .by_differences import gradient_by_differences

VIEW, PROJECTION = tf.zeros([6, 8, 8, 3]), tf.zeros([6, 3])


def made(weight=0.3):
    keras.utils.set_random_seed(0)
    term = bk.objectives.CriticTerm(weight, hidden_dim=5)
    term(VIEW, tf.zeros([6, 4]), PROJECTION)
    return term


def logit(x, weights):
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
    return (x @ weights[-2] + weights[-1])[:, 0]


def by_hand(embeddings, samples, weights):
    of_embeddings, of_samples = (1 / (1 + np.exp(-logit(x, weights))) for x in (embeddings, samples))
    return -np.log(1 - of_embeddings) - np.log(of_samples)


@pytest.fixture
def embeddings():
    return np.random.default_rng(0).normal(2, 1, (6, 4)).astype(np.float32).astype(np.float64)


def test_the_critic_is_trained_by_the_loss_and_the_encoder_by_less_of_it(embeddings):
    term, embedding = made(weight=0.3), tf.constant(embeddings, tf.float32)
    samples = np.float64(tf.random.stateless_normal((6, 4), tf.constant(EVALUATION_SEED, tf.int64)))
    weights = [np.float64(weight) for weight in term.critic.get_weights()]
    with tf.GradientTape() as tape:
        tape.watch(embedding)
        losses = term(VIEW, embedding, PROJECTION, training=False)
    np.testing.assert_allclose(losses, by_hand(embeddings, samples, weights), rtol=1e-6, atol=1e-6)
    to_embedding, *to_critic = tape.gradient(losses, [embedding, *term.critic.trainable_variables])
    expected = gradient_by_differences(lambda e: -0.3 * by_hand(e, samples, weights).sum(), embeddings)
    np.testing.assert_allclose(to_embedding, expected, rtol=1e-4, atol=1e-6)
    for i, gradient in enumerate(to_critic):
        changed = gradient_by_differences(
            lambda w, i=i: by_hand(embeddings, samples, [*weights[:i], w, *weights[i + 1 :]]).sum(), weights[i]
        )
        np.testing.assert_allclose(gradient, changed, rtol=1e-4, atol=1e-6)


def test_a_reversed_gradient_leaves_the_numbers_as_they_are():
    x = tf.constant([0.1, 1e10, -3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = reversed_gradient(x, 0.25)
        loss = tf.reduce_sum(y * [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(tape.gradient(loss, x), [-0.25, -0.5, -0.75])


def test_every_call_in_training_has_samples_of_its_own_and_others_change_nothing(embeddings):
    term, embedding = made(), tf.constant(embeddings, tf.float32)

    def loss(training):
        return float(tf.reduce_sum(term(VIEW, embedding, PROJECTION, training=training)))

    still = loss(False)
    assert len({loss(True) for _ in range(3)}) == 3
    assert loss(False) == still
    assert term.next_seed.numpy()[1] == 3
    other = made()
    other(VIEW, embedding, PROJECTION, training=True)
    # By the seed of Keras.
    np.testing.assert_array_equal(other.next_seed.numpy()[0], term.next_seed.numpy()[0])


def test_samples_are_of_the_standard_normal_distribution():
    term = made()
    samples = term._samples(tf.zeros([20000, 4]), training=True).numpy()
    np.testing.assert_allclose(samples.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(samples.T), np.eye(4), atol=0.05)


def test_a_critic_draws_embeddings_to_the_prior():
    # The embeddings themselves are trained, from a mean of 3 and a deviation of 0.2.
    keras.utils.set_random_seed(0)
    term = bk.objectives.CriticTerm(1.0, hidden_dim=32)
    embedding = tf.Variable(tf.random.stateless_normal((64, 2), (0, 1)) * 0.2 + 3.0)
    view, projection = tf.zeros([64, 8, 8, 3]), tf.zeros([64, 3])
    term(view, embedding, projection)
    optimizer = keras.optimizers.Adam(0.01)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(term(view, tf.convert_to_tensor(embedding), projection, training=True))
        variables = [*term.trainable_variables, embedding]
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    optimizer.build([*term.trainable_variables, embedding])
    losses = [float(step()) for _ in range(1500)]
    assert np.abs(embedding.numpy().mean(0)).max() < 0.5
    assert losses[-1] == pytest.approx(2 * np.log(2), abs=0.3)
