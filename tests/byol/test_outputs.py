"""What comes out of the model: embeddings, losses, logs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp

from .by_hand import batches, loss_by_hand, move_target_away, outputs, rank_by_hand, target_std_by_hand, weights_of


@keras.saving.register_keras_serializable("tests")
def constant_loss(prediction, target):
    """1.5 an image, with no gradient."""
    return 0.0 * tf.reduce_sum(prediction, axis=-1) + 1.5


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_predict_and_call_give_embeddings(tiny_byol, dtype):
    model = tiny_byol()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3)).astype(np.uint8)
    images = pixels if dtype == "uint8" else (pixels / 255).astype(dtype)
    expected = model.encoder(pixels / np.float32(255)).numpy()
    embeddings = model.predict(images, batch_size=2, verbose=0)
    assert embeddings.shape == (5, 4)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, atol=1e-6)
    np.testing.assert_allclose(model(images), expected, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_embeddings_are_float32_under_mixed_precision(tiny_byol, set_policy, policy):
    set_policy(policy)
    model = tiny_byol()
    assert model(np.zeros((2, 8, 8, 3), np.float32)).dtype == tf.float32
    assert model.predict(np.zeros((2, 8, 8, 3), np.uint8), verbose=0).dtype == np.float32


def test_evaluate_gives_loss_and_target_std_in_inference_mode(tiny_byol, view_pair):
    model = tiny_byol()
    move_target_away(model)
    model.compile("sgd")
    before = weights_of(model)
    logs = model.evaluate(batches(view_pair), return_dict=True, verbose=0)
    (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=False) for view in view_pair)
    assert set(logs) == {"loss", "target_std", "embedding_rank", "projection_rank"}
    assert logs["loss"] == pytest.approx((loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1)).mean(), abs=1e-5)
    stds = [target_std_by_hand(z[i : i + 4]) for z in (z_1, z_2) for i in (0, 4, 8)]
    assert logs["target_std"] == pytest.approx(np.mean(stds), abs=1e-5)
    ranks = [rank_by_hand(z_1[i : i + 4]) for i in (0, 4, 8)]
    assert logs["projection_rank"] == pytest.approx(np.mean(ranks), abs=1e-3)
    ranks = [rank_by_hand(model.encoder(view_pair[0][i : i + 4])) for i in (0, 4, 8)]
    assert logs["embedding_rank"] == pytest.approx(np.mean(ranks), abs=1e-3)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_logs_are_means_over_the_epoch(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    move_target_away(model)
    losses, stds, ranks = [], [], []
    for batch in (slice(0, 8), slice(8, 12)):  # the last one is smaller
        (q_1, z_1), (q_2, z_2) = (outputs(model, view[batch], training=True) for view in view_pair)
        losses.append(loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1))
        stds.append((target_std_by_hand(z_1) + target_std_by_hand(z_2)) / 2)
        ranks.append(rank_by_hand(z_1))
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(batches(view_pair, 8), epochs=2, shuffle=False, verbose=0).history
    assert set(history) == {"loss", "target_std", "embedding_rank", "projection_rank", "tau"}
    assert history["loss"] == pytest.approx([np.concatenate(losses).mean()] * 2, abs=1e-5)
    # By degrees of freedom, 7 and 3.
    assert history["target_std"] == pytest.approx([np.average(stds, weights=[7, 3])] * 2, abs=1e-5)
    assert history["projection_rank"] == pytest.approx([np.average(ranks, weights=[7, 3])] * 2, abs=1e-3)
    assert history["tau"] == [1.0, 1.0]
    assert abs(losses[-1].mean() - history["loss"][0]) > 0.05


@pytest.mark.parametrize(("sign", "loss"), [(1.0, 0.0), (-1.0, 8.0)])
def test_the_two_directions_are_added_up(tiny_encoder, sign, loss):
    # A predictor that keeps or turns over the projection, and the same image twice.
    keras.utils.set_random_seed(0)
    predictor = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, use_bias=False)])
    predictor.set_weights([sign * np.eye(3)])
    model = bk.BYOL(tiny_encoder(), projector=mlp(4, 32, 3), predictor=predictor)
    model.compile(keras.optimizers.SGD(0.0))
    view = tf.random.stateless_uniform((4, 8, 8, 3), seed=[1, 2])
    assert float(model.train_step(((view, view),))["loss"]) == pytest.approx(loss, abs=1e-5)


def test_default_heads_are_those_of_the_paper(tiny_encoder):
    model = bk.BYOL(tiny_encoder())
    assert [layer.units for layer in model.projector.layers if isinstance(layer, keras.layers.Dense)] == [4096, 256]
    assert [layer.units for layer in model.predictor.layers if isinstance(layer, keras.layers.Dense)] == [4096, 256]
    assert model.predictor.input_shape == model.predictor.output_shape == (None, 256)


def test_a_loss_of_ones_own(tiny_byol, view_pair, tmp_path):
    model = tiny_byol(loss=constant_loss)
    model.compile(keras.optimizers.SGD(0.1))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert float(each.train_step((view_pair,))["loss"]) == pytest.approx(3.0)
