"""NaN and infinity in a step: nothing of the model moves but its count, and training can go on."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk

from .by_hand import batches, weights_of


class PoisonOnce(keras.layers.Layer):
    """Passes images on, but the batch of a chosen number with NaN in it."""

    def __init__(self, batch, **kwargs):
        super().__init__(**kwargs)
        self.batch = batch
        self.seen = self.add_weight((), "zeros", "int32", trainable=False, name="seen")

    def call(self, images):
        noise = tf.where(self.seen == self.batch, np.float32(np.nan), 0.0)
        self.seen.assign_add(1)
        return images + noise, images


def trained_on(model, view_pair, steps):
    for _ in range(steps):
        model.train_step((view_pair,))
    return model


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("optimizer", ["lars", "adamw"])
def test_a_step_with_nan_changes_nothing_and_is_counted(tiny_byol, view_pair, optimizer, compiled):
    model = tiny_byol(augmenter=PoisonOnce(1))
    model.compile(bk.LARS(0.1) if optimizer == "lars" else keras.optimizers.AdamW(0.1), run_eagerly=not compiled)
    step = tf.function(model.train_step) if compiled else model.train_step
    if compiled:
        # XLA takes the update only where the optimizer has its variables already, as `fit` sees to.
        model.optimizer.build(model.trainable_variables)
    step(view_pair[0])
    variables = [
        v for v in model.weights + model.optimizer.variables if v.name not in ("steps", "skipped", "culprit", "seen")
    ]
    before = [v.numpy() for v in variables]
    metrics = [v.numpy() for metric in model.metrics for v in metric.variables]
    step(view_pair[0])
    assert (int(model.steps), int(model.skipped)) == (2, 1)
    assert model.not_finite() == "the loss"
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)
    np.testing.assert_array_equal([v.numpy() for metric in model.metrics for v in metric.variables], metrics)
    # And the third one is an update as any other.
    step(view_pair[0])
    assert (int(model.steps), int(model.skipped), model.not_finite()) == (3, 1, None)
    assert sum(not np.array_equal(v.numpy(), value) for v, value in zip(variables, before, strict=True)) > 10
    assert all(np.isfinite(v.numpy()).all() for v in model.weights)


def test_an_infinite_gradient_is_named(tiny_byol, view_pair):
    @tf.custom_gradient
    def steep(x):
        return tf.identity(x), lambda upstream: upstream * np.float32(np.inf)

    def loss(prediction, target):
        return bk.losses.regression_loss(steep(prediction), target)

    model = tiny_byol(loss=loss)
    model.compile(keras.optimizers.SGD(0.1))
    before = weights_of(model.encoder)
    model.train_step((view_pair,))
    assert model.not_finite().startswith("the gradient of ")
    for now, then in zip(model.encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_statistics_that_belong_together_are_undone_together(view_pair):
    """Of a value of 1e25 the mean is finite and the variance is not."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 4))
    x = keras.layers.BatchNormalization()(keras.layers.Conv1D(4, 3)(inputs))
    model = bk.BYOL(keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x)), bk.mlp(4, 6, 3), bk.mlp(3, 6, 3))
    model.compile(keras.optimizers.SGD(0.1))
    series = np.random.default_rng(0).normal(size=(2, 8, 6, 4)).astype(np.float32)
    model.train_step((tuple(series),))
    before = weights_of(model.encoder) + weights_of(model.target_encoder)
    series[:, 0, 0, 0] = 1e25
    model.train_step((tuple(series),))
    assert int(model.skipped) == 1
    assert model.not_finite() is not None
    for now, then in zip(weights_of(model.encoder) + weights_of(model.target_encoder), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_last_batch_of_one_is_taken_after_steps_that_were_skipped(tiny_byol, view_pair):
    model = tiny_byol(augmenter=PoisonOnce(0))
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(view_pair[0][:9], batch_size=8, shuffle=False, verbose=0)
    assert (int(model.steps), int(model.skipped)) == (2, 1)


def test_a_loss_that_is_not_finite_is_an_overflow_to_the_scale_of_float16(tiny_byol, view_pair, set_policy):
    """Also where the gradients are finite."""

    @tf.custom_gradient
    def poisoned(x):
        return x * np.float16(np.nan), lambda upstream: tf.ones_like(x)

    def summed(x):
        return tf.cast(tf.reduce_sum(x, axis=-1), tf.float32)

    set_policy("mixed_float16")
    model = tiny_byol(loss=lambda p, t: bk.losses.regression_loss(p, t) + summed(poisoned(p)))
    model.compile(keras.optimizers.SGD(0.1))
    model.optimizer.build(model.trainable_variables)
    scale, before = float(model.optimizer.dynamic_scale), weights_of(model.encoder)
    model.train_step((view_pair,))
    assert (int(model.skipped), int(model.optimizer.iterations)) == (1, 0)
    assert float(model.optimizer.dynamic_scale) == scale / 2
    for now, then in zip(weights_of(model.encoder), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_too_many_in_a_row_stop_training_in_one_line(tiny_byol, view_pair):
    model = tiny_byol()
    # The first update is finite and ruins the weights; every loss after it is NaN.
    model.compile(keras.optimizers.SGD(1e38))
    with pytest.raises(
        bk.InputError, match=r"updates in a row were skipped, up to step .*Lower `learning_rate`"
    ) as said:
        model.fit(
            batches(view_pair, 2), epochs=20, shuffle=False, verbose=0, callbacks=[bk.callbacks.FiniteCheck(patience=3)]
        )
    assert "\n" not in str(said.value)
    assert int(model.skipped) == 3


def test_a_few_are_logged_and_do_not_stop(tiny_byol, view_pair):
    model = tiny_byol(augmenter=PoisonOnce(2))
    model.compile(keras.optimizers.SGD(0.1))
    logs = model.fit(view_pair[0], batch_size=4, epochs=2, verbose=0, callbacks=[bk.callbacks.FiniteCheck(2)]).history
    assert logs["skipped"] == [1, 1]
    assert np.isfinite(logs["loss"]).all()


def test_a_weight_that_is_nan_stops_training_after_the_epoch(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.0))
    scale = model.target_encoder.weights[-1]  # a moving variance: training mode does not even look at it
    scale.assign(np.full(scale.shape, np.nan, np.float32))
    with pytest.raises(bk.InputError, match=r"variables of .* are not finite, .* the first of them"):
        model.fit(batches(view_pair), shuffle=False, verbose=0, callbacks=[bk.callbacks.FiniteCheck()])


def test_loss_scaling_in_float16_finds_its_scale(tiny_byol, view_pair, set_policy):
    set_policy("mixed_float16")
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.01))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(2.0**40)  # every gradient overflows, until it has been halved often enough
    trained_on(model, view_pair, 40)
    assert 0 < int(model.skipped) < 40
    assert int(model.optimizer.iterations) == 40 - int(model.skipped)
    assert float(model.optimizer.dynamic_scale) == 2.0 ** (40 - int(model.skipped))
    assert model.not_finite() is None
    assert all(np.isfinite(v.numpy()).all() for v in model.weights)


def test_a_model_that_is_not_finite_is_not_saved_over_a_good_one(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    checkpoint = bk.callbacks.Checkpoint(tmp_path / "checkpoints", steps=1)
    model.fit(batches(view_pair, 4), shuffle=False, verbose=0, callbacks=[checkpoint])
    good = {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()}
    kernel = model.encoder.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    with pytest.raises(bk.InputError, match="training has diverged"):
        model.fit(batches(view_pair, 4), shuffle=False, verbose=0, callbacks=[checkpoint])
    assert {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()} == good
