"""Losses between two views: the numbers of NumPy in float64, and their gradients by differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.objectives import NTXent, squared_distance

from .by_differences import gradient_by_differences


def squared_by_hand(prediction, target):
    return np.array(
        [sum((p - t) ** 2 for p, t in zip(*row, strict=True)) for row in zip(prediction, target, strict=True)]
    )


def nt_xent_by_hand(prediction, target, temperature):
    losses = []
    for i, p in enumerate(prediction):
        cosines = [p @ t / np.linalg.norm(p) / np.linalg.norm(t) for t in target]
        shares = [np.exp(cosine / temperature) for cosine in cosines]
        losses.append(-np.log(shares[i] / sum(shares)))
    return np.array(losses)


FORMS = {
    "squared distance": (squared_distance, squared_by_hand),
    "contrastive": (NTXent(0.5), lambda p, t: nt_xent_by_hand(p, t, 0.5)),
    "contrastive, sharper": (NTXent(), lambda p, t: nt_xent_by_hand(p, t, 0.1)),
}


@pytest.fixture
def pair():
    # As float32 has them, so that what differs is the computation alone.
    return np.random.default_rng(3).normal(size=(2, 7, 5)).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize("form", FORMS)
def test_the_numbers_and_the_gradient(form, pair):
    loss, by_hand = FORMS[form]
    prediction, target = (tf.constant(side, tf.float32) for side in pair)
    with tf.GradientTape() as tape:
        tape.watch([prediction, target])
        values = loss(prediction, target)
    assert values.dtype == tf.float32
    np.testing.assert_allclose(values, by_hand(*pair), rtol=1e-6, atol=1e-6)
    to_prediction, to_target = tape.gradient(values, [prediction, target], unconnected_gradients="zero")
    expected = gradient_by_differences(lambda p: by_hand(p, pair[1]).sum(), pair[0])
    np.testing.assert_allclose(to_prediction, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(to_target, np.zeros((7, 5)))


def test_hand_cases():
    assert float(squared_distance(tf.constant([[3.0, 4.0]]), tf.constant([[1.0, 1.0]]))[0]) == 13.0
    alike, turned = tf.eye(3), tf.constant([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    e = np.exp(1 / 0.5)
    np.testing.assert_allclose(NTXent(0.5)(alike, alike), [np.log((e + 2) / e)] * 3, rtol=1e-6)
    np.testing.assert_allclose(NTXent(0.5)(alike, turned), [np.log(e + 2)] * 3, rtol=1e-6)
    np.testing.assert_allclose(NTXent(0.5)(tf.ones([4, 3]), tf.ones([4, 3])), [np.log(4)] * 4, rtol=1e-6)


def test_lengths_count_for_the_squared_distance_only(pair):
    prediction, target = (tf.constant(side, tf.float32) for side in pair)
    np.testing.assert_allclose(NTXent(0.5)(3 * prediction, target), NTXent(0.5)(prediction, 2 * target), rtol=1e-5)
    assert np.all(np.abs(squared_distance(3 * prediction, target) - squared_distance(prediction, target)) > 0.01)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("form", FORMS)
def test_half_precision_inputs_are_computed_in_float32(form, dtype, pair):
    loss, by_hand = FORMS[form]
    # The square of 300 is beyond float16.
    prediction, target = (tf.cast(300 * side, dtype) for side in pair)
    values = loss(prediction, target)
    assert values.dtype == tf.float32
    exact = (tf.cast(side, tf.float64).numpy() for side in (prediction, target))
    np.testing.assert_allclose(values, by_hand(*exact), rtol=1e-5, atol=1e-5)


def test_zero_vectors_have_finite_gradients():
    with tf.GradientTape() as tape:
        prediction = tf.zeros([3, 2])
        tape.watch(prediction)
        losses = NTXent()(prediction, tf.ones([3, 2]))
    np.testing.assert_allclose(losses, [np.log(3)] * 3, rtol=1e-6)
    assert np.isfinite(tape.gradient(losses, prediction)).all()


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_a_temperature_that_cannot_be(temperature):
    with pytest.raises(bk.InputError, match=r"`temperature` must be above 0\. Received: temperature="):
        NTXent(temperature)


def test_a_loss_is_serialized_with_its_temperature():
    loss = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(NTXent(0.25)))
    assert isinstance(loss, NTXent)
    assert loss.temperature == 0.25
