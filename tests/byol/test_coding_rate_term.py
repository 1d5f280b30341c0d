"""A term of the projections beside BYOL's loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.losses import coding_rate

from .by_hand import loss_by_hand, outputs


@pytest.fixture
def with_term(tiny_encoder):
    def make(weight):
        keras.utils.set_random_seed(0)
        encoder, projector = tiny_encoder(), bk.mlp(4, 6, 3)
        projector.add(bk.CodingRateTerm(weight))
        return bk.BYOL(encoder, projector, bk.mlp(3, 6, 3), tau=0.5)

    return make


def test_the_loss_falls_by_the_rate_of_the_online_projections(with_term, view_pair):
    model = with_term(0.7)
    model.compile(keras.optimizers.SGD(0.0))
    (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=True) for view in view_pair)
    projections = [model.projector(model.encoder(view, training=True), training=True) for view in view_pair]
    rate = np.mean([coding_rate(projection) for projection in projections])
    expected = (loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1)).mean() - 0.7 * rate
    assert float(model.train_step((view_pair,))["loss"]) == pytest.approx(expected, abs=1e-4)


def test_the_rate_rises_by_training_and_the_target_is_moved_by_the_average_alone(with_term, view_pair):
    def projected(model):
        return float(coding_rate(model.projector(model.encoder(view_pair[0], training=True), training=True)))

    rates = []
    for weight in (1e-6, 10.0):
        model = with_term(weight)
        model.compile(keras.optimizers.Adam(0.01))
        # The last step by itself, to know the target before it.
        for steps in (29, 1):
            before = [v.numpy() for v in model.target_projector.weights]
            model.fit(tf.data.Dataset.from_tensors((view_pair,)).repeat(steps), shuffle=False, verbose=0)
        rates.append(projected(model))
    assert rates[1] > rates[0] + 0.01
    online, target = (part.layers[0].kernel.numpy() for part in (model.projector, model.target_projector))
    np.testing.assert_allclose(target, (before[0] + online) / 2, atol=1e-6)


def test_it_is_saved_with_the_model(with_term, view_pair, tmp_path):
    model = with_term(0.7)
    model.compile("sgd")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.projector.layers[-1].weight == 0.7
    losses = [float(each.train_step((view_pair,))["loss"]) for each in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


@pytest.mark.parametrize("weight", [0, -1.0, float("nan")])
def test_a_weight_that_cannot_be(weight):
    with pytest.raises(bk.InputError, match=r"`weight` must be above 0\. Received: weight="):
        bk.CodingRateTerm(weight)


def test_half_precision_is_taken_and_given_back():
    vectors = tf.ones([4, 3], tf.bfloat16)
    layer = bk.CodingRateTerm(1.0, dtype="mixed_bfloat16")
    assert layer(vectors).dtype == tf.bfloat16
    assert layer.losses[0].dtype == tf.float32
