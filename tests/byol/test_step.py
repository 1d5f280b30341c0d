"""What a step trains, and what follows."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk

from .by_hand import batches, distances, move_target_away, target_of


def test_the_target_starts_as_a_copy(tiny_byol):
    model = tiny_byol()
    assert np.abs(distances(model)).max() == 0.0


def test_only_the_online_network_is_trained(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    online = [v for part in (model.encoder, model.projector, model.predictor) for v in part.trainable_variables]
    assert len(online) == 3 + 5 + 5
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in online}
    before = {id(v): v.numpy() for v in (*online, *(target for target, _ in target_of(model)))}
    model.compile(keras.optimizers.SGD(0.5))
    for _ in range(2):
        model.train_step((view_pair,))
    for target, _ in target_of(model):
        np.testing.assert_array_equal(target, before[id(target)])
    for variable in online:
        # A bias in front of a batch norm has no effect, and so no gradient.
        assert variable.name == "bias" or np.abs(variable.numpy() - before[id(variable)]).max() > 1e-4


def test_the_target_follows_at_once_with_tau_zero(tiny_byol, view_pair):
    model = tiny_byol(tau=0.0)
    model.compile(keras.optimizers.SGD(0.5))
    model.train_step((view_pair,))
    assert np.abs(distances(model)).max() < 1e-6


def test_the_target_runs_on_batch_statistics_and_keeps_moving_ones_of_its_own(tiny_byol, view_pair):
    model = tiny_byol(tau=1.0)
    move_target_away(model)
    before = model.target_encoder.get_weights()
    model.compile(keras.optimizers.SGD(0.0))
    model.train_step((view_pair,))
    kernel, mean, variance = before[0], before[3], before[4]
    for view in view_pair:
        features = tf.nn.conv2d(view, kernel, 2, "SAME").numpy().astype(np.float64)
        mean = 0.9 * mean + 0.1 * features.mean((0, 1, 2))
        variance = 0.9 * variance + 0.1 * features.var((0, 1, 2))
    np.testing.assert_allclose(model.target_encoder.get_weights()[3], mean, rtol=1e-5)
    np.testing.assert_allclose(model.target_encoder.get_weights()[4], variance, rtol=1e-5)
    assert np.abs(model.encoder.get_weights()[3] - mean).max() > 0.01


def test_setting_trainable_back_and_forth_changes_nothing(tiny_byol, view_pair):
    toggled, plain = tiny_byol(), tiny_byol()
    toggled.trainable = False
    toggled.trainable = True
    toggled.target_encoder.trainable = True
    for model in (toggled, plain):
        model.compile(keras.optimizers.SGD(0.5))
        for _ in range(2):
            model.train_step((view_pair,))
    assert len(toggled.trainable_variables) == len(plain.trainable_variables)
    for actual, expected in zip(toggled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_frozen_layers_of_the_encoder_stay(tiny_byol, tiny_encoder, view_pair, tmp_path):
    encoder = tiny_encoder()
    encoder.layers[1].trainable = False
    model = tiny_byol(encoder)
    kernel = encoder.layers[1].kernel.numpy()
    model.compile(keras.optimizers.SGD(0.5))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        each.train_step((view_pair,))
        for part in (each.encoder, each.target_encoder):
            np.testing.assert_array_equal(part.get_weights()[0], kernel)


@pytest.mark.parametrize(
    ("policy", "accumulate", "per_execution", "updates"),
    [
        ("float32", None, 1, 6),
        pytest.param("float32", None, 4, 6, marks=pytest.mark.slow),
        ("float32", 3, 1, 2),
        ("float32", 3, 4, 2),
        ("mixed_bfloat16", None, 1, 6),
        ("mixed_float16", None, 4, 6),
        ("mixed_float16", 3, 1, 2),
    ],
)
def test_the_target_moves_once_an_update(tiny_byol, set_policy, view_pair, policy, accumulate, per_execution, updates):
    set_policy(policy)
    model = tiny_byol(tau=0.9)
    move_target_away(model)
    optimizer = keras.optimizers.SGD(0.0, gradient_accumulation_steps=accumulate)
    # Eager where nothing depends on the graph, for speed.
    model.compile(optimizer, steps_per_execution=per_execution, run_eagerly=per_execution == 1)
    model.fit(batches(view_pair, 2), shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == updates
    np.testing.assert_allclose(distances(model), 0.9**updates, atol=1e-5)


def test_a_step_skipped_for_an_overflow_leaves_the_target(tiny_byol, set_policy, view_pair):
    set_policy("mixed_float16")
    model = tiny_byol(tau=0.9)
    move_target_away(model)
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), initial_scale=2.0))
    model.train_step((view_pair,))
    for scale in (1e30, 2.0):  # the first of these overflows
        model.optimizer.dynamic_scale.assign(scale)
        model.train_step((view_pair,))
    assert int(model.optimizer.iterations) == 2
    np.testing.assert_allclose(distances(model), 0.9**2, atol=1e-5)


def test_mixed_float16_scales_the_loss_by_itself(tiny_byol, set_policy):
    set_policy("mixed_float16")
    model = tiny_byol()
    model.compile(bk.LARS(0.1))
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_scaled_loss_trains_as_the_loss(tiny_byol, set_policy, view_pair):
    moved = []
    for policy in ("float32", "mixed_float16"):
        set_policy(policy)
        model = tiny_byol()
        before = model.predictor.get_weights()[-1]
        optimizer = keras.optimizers.SGD(0.5)
        if policy == "mixed_float16":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64.0)
        model.compile(optimizer)
        model.train_step((view_pair,))
        moved.append(model.predictor.get_weights()[-1] - before)
    assert np.abs(moved[0]).max() > 0.01
    np.testing.assert_allclose(moved[1], moved[0], atol=0.02 * np.abs(moved[0]).max())


def test_the_target_is_float32_under_bfloat16(tiny_byol, set_policy, view_pair):
    set_policy("mixed_bfloat16")
    model = tiny_byol(tau=0.9996)
    assert model.encoder.compute_dtype == model.target_encoder.compute_dtype == "bfloat16"
    assert model.predictor.compute_dtype == "bfloat16"
    assert {target.dtype for target, _ in target_of(model)} == {"float32"}
    move_target_away(model)
    model.compile(keras.optimizers.SGD(0.0))
    for _ in range(3):
        logs = model.train_step((view_pair,))
    # In bfloat16 a change of 0.0004 of 1 would have been lost.
    np.testing.assert_allclose(distances(model), 0.9996**3, atol=2e-6)
    assert tf.convert_to_tensor(logs["loss"]).dtype == tf.float32


@pytest.mark.slow
def test_a_step_compiled_by_xla_is_the_same(tiny_byol, view_pair):
    models = [tiny_byol(), tiny_byol()]
    for model, jit_compile in zip(models, (False, True), strict=True):
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(batches(view_pair, 6), shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)])
    for actual, expected in zip(models[1].get_weights(), models[0].get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_a_loss_in_the_dtype_of_the_heads_is_taken_in_float32(tiny_byol, set_policy, view_pair, policy):
    set_policy(policy)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, kernel_regularizer="l2")(inputs)
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    model = tiny_byol(encoder, loss=lambda p, t: keras.ops.sum((p - keras.ops.stop_gradient(t)) ** 2, -1))
    model.compile(keras.optimizers.SGD(0.01))
    logs = model.fit(view_pair, batch_size=12, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert np.isfinite(model.evaluate(view_pair, batch_size=12, verbose=0, return_dict=True)["loss"])
