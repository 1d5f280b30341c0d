"""Runs that collapse, and numbers of some that do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.callbacks.collapse_monitor import collapse_sign
from byol_keras.errors import InputError

FIRST = {"target_std": 0.8, "embedding_rank": 20.0, "projection_rank": 40.0}


@pytest.mark.parametrize(
    ("gauges", "expected"),
    [
        ({}, None),
        ({"target_std": 0.31, "embedding_rank": 8.1, "projection_rank": 8.1}, None),
        ({"target_std": 0.29}, "one projection: target_std 0.29"),
        (
            {"projection_rank": 7.9},
            "projections lose their dimensions: projection_rank 7.9, from 40 in the first steps",
        ),
        ({"embedding_rank": 7.9}, "embeddings lose their dimensions: embedding_rank 7.9, from 20 in the first steps"),
    ],
)
def test_a_sign_names_its_number(gauges, expected):
    sign = collapse_sign({**FIRST, **gauges}, FIRST)
    assert sign is None if expected is None else expected in sign


class Weights(keras.callbacks.Callback):
    """The encoder's weights after every step."""

    def on_train_begin(self, logs=None):
        self.seen = {}

    def on_train_batch_end(self, batch, logs=None):
        self.seen[int(self.model.steps)] = self.model.encoder.get_weights()


@pytest.fixture
def train(tiny_encoder, view_pair):
    """Trains without a predictor, towards itself: what BYOL becomes without what keeps it from collapse."""

    def run(monitor, collapsing=True, epochs=15, resumable=False, **more):
        keras.utils.set_random_seed(0)
        encoder = tiny_encoder()
        predictor = keras.Sequential([keras.Input((3,)), keras.layers.Identity() if collapsing else bk.mlp(3, 6, 3)])
        model = bk.BYOL(encoder, bk.mlp(4, 6, 3), predictor, tau=0.0 if collapsing else 0.9)
        model.compile(keras.optimizers.Adam(0.1 if collapsing else 0.002), run_eagerly=True)
        weights = Weights()
        if resumable:
            batches = tf.data.Dataset.from_tensor_slices((view_pair,)).batch(4).repeat(epochs)
            model.resume_fit(batches.skip, epochs, 3, [weights, monitor], verbose=0)
        else:
            model.fit(
                view_pair, batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=[weights, monitor], **more
            )
        return model, weights.seen

    return run


def test_a_collapse_is_said_once_and_ends_training(train, tmp_path, capfd):
    path = tmp_path / "healthy.keras"
    monitor = bk.CollapseMonitor(every=4, stop=True, encoder_path=path)
    model, weights = train(monitor)
    step = int(model.steps)
    assert 8 <= step < 45
    # TensorFlow may say something of its own as well.
    (said,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("Step ")]
    assert said == monitor.sign
    assert said.startswith(f"Step {step}: all images get nearly one projection: target_std 0.")
    # The last window without a sign is the one before the two that showed it.
    assert said.endswith(f" The encoder of step {step - 8} is in {path}.")
    for actual, expected in zip(keras.models.load_model(path).get_weights(), weights[step - 8], strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_without_stop_it_is_said_once_all_the_same(train, capfd):
    model, _ = train(bk.CollapseMonitor(every=4))
    assert int(model.steps) == 45
    assert capfd.readouterr().err.count("Step ") == 1


def test_a_healthy_run_is_left_alone(train, tmp_path, capfd):
    monitor = bk.CollapseMonitor(every=4, stop=True, encoder_path=tmp_path / "healthy.keras")
    model, _ = train(monitor, collapsing=False, epochs=5)
    assert int(model.steps) == 15
    assert monitor.sign is None
    assert "Step " not in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_keeping_the_encoder_changes_nothing(train, tmp_path):
    _, kept = train(bk.CollapseMonitor(every=4, encoder_path=tmp_path / "healthy.keras"))
    _, watched = train(bk.CollapseMonitor(every=4))
    assert (tmp_path / "healthy.keras").exists()
    for a, b in zip(kept[max(kept)], watched[max(watched)], strict=True):
        np.testing.assert_array_equal(a, b)


class Looks(bk.CollapseMonitor):
    """What each window of steps showed."""

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.seen = {}

    def _look(self, step, gauges):
        self.seen[step] = gauges


def test_held_out_images_are_not_what_is_watched(train, view_pair):
    plain, validated = Looks(every=4), Looks(every=4)
    train(plain, epochs=6)
    # Alike, so that their projections are one.
    alike = np.repeat(view_pair[0][:1], 8, axis=0)
    train(validated, epochs=6, validation_data=tf.data.Dataset.from_tensors(((alike, alike),)))
    assert list(plain.seen) == list(validated.seen)
    for step, gauges in plain.seen.items():
        assert validated.seen[step] == pytest.approx(gauges, rel=1e-4)


@pytest.mark.parametrize("resumable", [False, True])
def test_another_training_is_judged_by_its_own_beginning(train, resumable):
    monitor = bk.CollapseMonitor(every=4, stop=True)
    train(monitor, resumable=resumable)
    assert monitor.sign is not None
    model, _ = train(monitor, collapsing=False, epochs=4, resumable=resumable)
    assert monitor.sign is None
    assert int(model.steps) == 12
    train(monitor, resumable=resumable)
    assert monitor.sign is not None


def test_a_window_of_one_image_is_passed_over(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.01))
    views = tuple(view[:9] for view in view_pair)
    model.fit(views, batch_size=8, epochs=2, verbose=0, callbacks=[bk.CollapseMonitor(every=1)])
    assert int(model.steps) == 4


def test_what_it_cannot_watch_is_refused():
    with pytest.raises(InputError, match="every=0"):
        bk.CollapseMonitor(every=0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="CollapseMonitor goes with a BYOL"):
        model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[bk.CollapseMonitor()])
