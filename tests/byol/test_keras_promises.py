"""What Keras promises of `compile`, `fit`, `evaluate`, `save` and the like: kept, or refused in one line."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp

from .by_hand import assert_trains_alike, batches, distances, loss_by_hand, move_target_away, outputs, weights_of


def _regularized_encoder(activity=None, kernel=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activity_regularizer=activity, kernel_regularizer=kernel)(inputs)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_weight_regularization_is_part_of_the_loss_and_of_the_gradient(tiny_byol, view_pair):
    # tau 1 and a prediction without gradient: what moves the kernel is its regularizer alone.
    model = tiny_byol(_regularized_encoder(kernel=keras.regularizers.L2(0.5)), loss=_constant, tau=1.0)
    kernel = model.encoder.layers[1].kernel.numpy()
    model.compile(keras.optimizers.SGD(0.1))
    logs = model.train_step((view_pair,))
    assert float(logs["loss"]) == pytest.approx(3.0 + 0.5 * (kernel**2).sum(), rel=1e-5)
    # The gradient of 0.5 * sum(kernel^2) is the kernel itself.
    np.testing.assert_allclose(model.encoder.layers[1].kernel, 0.9 * kernel, rtol=1e-5)


def test_activity_regularization_is_averaged_over_the_two_views(tiny_byol, view_pair):
    model = tiny_byol(_regularized_encoder(activity=keras.regularizers.L1(0.01)), tau=1.0)
    model.compile(keras.optimizers.SGD(0.0))
    convolve = model.encoder.layers[1]
    # Keras divides by the batch, older ones do not: its own sum for a view decides.
    divisor = 0.01 * np.abs(convolve(view_pair[0]).numpy()).sum() / float(convolve.losses[0])
    assert divisor == pytest.approx(12) or divisor == pytest.approx(1)
    activity = [0.01 * np.abs(convolve(view).numpy()).sum() / divisor for view in view_pair]
    (q_1, z_1), (q_2, z_2) = (outputs(model, view, training=True) for view in view_pair)
    expected = (loss_by_hand(q_1, z_2) + loss_by_hand(q_2, z_1)).mean() + np.mean(activity)
    assert float(model.train_step((view_pair,))["loss"]) == pytest.approx(expected, abs=1e-3)


@keras.saving.register_keras_serializable("tests")
def _constant(prediction, target):
    return 0.0 * tf.reduce_sum(prediction, axis=-1) + 1.5


@pytest.mark.parametrize("what", ["loss", "metrics", "loss_weights", "weighted_metrics"])
def test_compile_refuses_what_it_has_no_use_for(tiny_byol, what):
    with pytest.raises(bk.InputError, match=rf"`compile` cannot take {what}: .* Received: {what}="):
        tiny_byol().compile("sgd", **{what: ["mse"]})


@pytest.mark.parametrize("loss", ["mse", keras.losses.MeanSquaredError()])
def test_a_loss_of_another_form_is_refused_when_the_model_is_made(tiny_byol, loss):
    with pytest.raises(bk.InputError, match=r"prediction \(B, 3\), target \(B, 3\) -> \(B,\)\. Received: loss="):
        tiny_byol(loss=loss)


def test_sample_and_class_weights_are_refused(tiny_byol, view_pair):
    model = tiny_byol(augmenter=bk.TwoViews(8))
    model.compile("sgd")
    images, labels = view_pair[0], np.arange(12) % 2
    for given in ({"sample_weight": np.ones(12, np.float32)}, {"class_weight": {0: 1.0, 1: 2.0}}):
        with pytest.raises(bk.InputError, match="leave out sample_weight and class_weight"):
            model.fit(images, labels, batch_size=4, verbose=0, **given)


# Each method compiles a check of its own; of what is outside one kind for each is enough.
OUTSIDE = [(255, 0, "values from 0"), (2, -1, "values from -"), (np.nan, 0, "nan")]
METHODS = ["fit", "evaluate", "predict"]


@pytest.mark.parametrize(
    ("method", "scale", "shift", "said"),
    [
        pytest.param(method, *outside, marks=[] if i == j else pytest.mark.slow)
        for i, method in enumerate(METHODS)
        for j, outside in enumerate(OUTSIDE)
    ],
)
def test_float_images_outside_the_range_are_refused_in_one_line(tiny_byol, view_pair, method, scale, shift, said):
    model = tiny_byol(augmenter=bk.TwoViews(8))
    model.compile("sgd")
    images = view_pair[0] * np.float32(scale) + np.float32(shift)
    before = weights_of(model.encoder)
    with pytest.raises(bk.InputError, match=r"Images as floats must be in \[0, 1\]") as raised:
        getattr(model, method)(images, batch_size=4, verbose=0)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    for now, then in zip(model.encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_views_outside_the_range_are_refused(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile("sgd")
    with pytest.raises(bk.InputError, match="Images as floats"):
        model.fit(batches(tuple(255 * view for view in view_pair)), shuffle=False, verbose=0)


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_integers_of_unknown_range_are_refused(tiny_byol, dtype):
    model = tiny_byol(augmenter=bk.TwoViews(8))
    model.compile("sgd")
    with pytest.raises(bk.InputError, match=rf"uint8, uint16, or float in \[0, 1\]\. Received: dtype={dtype}"):
        model.fit(np.zeros((4, 8, 8, 3), dtype), batch_size=2, verbose=0)


def test_batches_of_one_are_refused_but_not_a_last_one(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.0))
    with pytest.raises(bk.InputError, match=r"at least 2 examples.*Received: batch_size=1"):
        model.fit(batches(view_pair, 1), shuffle=False, verbose=0)
    whole = model.fit(batches(tuple(view[:6] for view in view_pair), 6), shuffle=False, verbose=0).history
    rest = model.fit(batches(tuple(view[:7] for view in view_pair), 6), shuffle=False, verbose=0).history
    # A single image has no standard deviation, and does not count in the gauge.
    assert rest["target_std"] == pytest.approx(whole["target_std"], abs=1e-5)


def test_tau_can_be_set_and_is_one_number(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.tau = 0.25
    move_target_away(model)
    model.compile(keras.optimizers.SGD(0.0))
    assert float(model.train_step((view_pair,))["tau"]) == model.tau == 0.25
    np.testing.assert_allclose(distances(model), 0.25, atol=1e-6)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").tau == 0.25
    with pytest.raises(bk.InputError, match=r"tau=1\.5"):
        model.tau = 1.5


def test_a_second_fit_without_a_schedule_moves_the_target(tiny_byol, view_pair):
    model = tiny_byol(tau=0.5)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    first = model.fit(batches(view_pair), epochs=2, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)]).history
    second = model.fit(batches(view_pair), epochs=1, shuffle=False, verbose=0).history
    assert first["tau"][-1] > 0.99
    assert second["tau"] == [0.5]


def test_compile_ends_a_schedule(tiny_byol, view_pair):
    model = tiny_byol(tau=0.5)
    model.set_target_schedule(0.9, 100)
    model.compile(keras.optimizers.SGD(0.0))
    assert float(model.train_step((view_pair,))["tau"]) == 0.5


@pytest.mark.parametrize(
    ("with_validation", "eagerly"),
    [(True, True), *(pytest.param(given, False, marks=pytest.mark.slow) for given in (True, False))],
)
def test_validation_changes_nothing_and_evaluations_agree(tiny_byol, view_pair, with_validation, eagerly):
    model = tiny_byol(augmenter=bk.TwoViews(8, seed=3))
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=eagerly)
    validation = {"validation_data": view_pair[1]} if with_validation else {}
    model.fit(view_pair[0], batch_size=4, epochs=2, shuffle=False, verbose=0, **validation)
    logs = [model.evaluate(view_pair[1], batch_size=4, verbose=0, return_dict=True) for _ in range(2)]
    assert logs[0] == logs[1]
    plain = tiny_byol(augmenter=bk.TwoViews(8, seed=3))
    plain.compile(keras.optimizers.SGD(0.1), run_eagerly=eagerly)
    plain.fit(view_pair[0], batch_size=4, epochs=2, shuffle=False, verbose=0)
    for actual, expected in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_dropout_goes_on_where_it_stopped(tiny_byol, view_pair, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Dropout(0.5)(keras.layers.Conv2D(4, 3)(inputs))
    model = tiny_byol(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    model.compile(keras.optimizers.SGD(0.1))
    model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_trains_alike(model, loaded, view_pair)


def test_summary_names_each_network_once(tiny_encoder):
    lines = []
    bk.BYOL(tiny_encoder()).summary(print_fn=lambda text, **_: lines.append(text))
    names = re.findall(r"\b\w*projector\b", "\n".join(lines))
    assert sorted(names) == ["projector", "target_projector"]


def test_export_is_the_encoder(tiny_byol, tmp_path):
    model = tiny_byol()
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    model.export(str(tmp_path / "encoder"), verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "encoder"))
    np.testing.assert_allclose(loaded.serve(images), model.encoder(images), atol=1e-6)


def test_h5_is_refused(tiny_byol, tmp_path):
    with pytest.raises(bk.InputError, match=r"saved as \.keras.*Received: filepath=.*model\.h5"):
        tiny_byol().save(tmp_path / "model.h5")


def test_default_heads_take_an_encoder_of_any_width():
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(7, 3)(inputs)))
    assert bk.BYOL(encoder, predictor=mlp(256, 8, 256)).projector.input_shape == (None, 7)
