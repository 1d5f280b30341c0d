"""The center loss: the mean squared distance of two projections of a batch."""

import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk

from .by_differences import gradient_by_differences


def by_hand(projections):
    """Pair by pair."""
    return np.mean([[((a - b) ** 2).sum() for b in projections] for a in projections])


def test_it_is_the_mean_over_all_pairs_and_so_is_its_gradient():
    projections = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32).astype(np.float64)
    term, projection = bk.objectives.CenterTerm(0.7), tf.constant(projections, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(projection)
        losses = term(tf.zeros([6, 8, 8, 3]), tf.zeros([6, 4]), projection)
        loss = tf.reduce_mean(losses)
    assert losses.shape == (6,)
    assert float(loss) == pytest.approx(0.7 * by_hand(projections), rel=1e-6)
    expected = gradient_by_differences(lambda z: 0.7 * by_hand(z), projections)
    np.testing.assert_allclose(tape.gradient(loss, projection), expected, rtol=1e-4, atol=1e-6)


def test_hand_cases():
    def loss(projections):
        count = len(projections)
        term = bk.objectives.CenterTerm(2.0)
        return float(tf.reduce_mean(term(tf.zeros([count, 8, 8, 3]), tf.zeros([count, 4]), tf.constant(projections))))

    # Of four pairs two are of an image with itself.
    assert loss([[0.0, 0.0], [3.0, 4.0]]) == pytest.approx(2 * 2 * 25 / 4)
    assert loss([[3.0, 4.0]] * 3) == loss([[1.0, 5.0]]) == 0.0


def test_half_precision_is_computed_in_float32():
    projection = tf.constant([[256.0, 0.0], [0.0, 0.0]], tf.float16)
    losses = bk.objectives.CenterTerm(1.0)(tf.zeros([2, 8, 8, 3]), tf.zeros([2, 4]), projection)
    assert losses.dtype == tf.float32
    np.testing.assert_allclose(losses, [2 * 128.0**2] * 2)
