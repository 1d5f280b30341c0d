"""The encoder of the best epoch, on disk, also where training was cut in two."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.callbacks import BestEncoder
from byol_keras.callbacks.best_encoder import BestEpoch
from byol_keras.errors import InputError

GAUGE = [0.2, 0.5, float("nan"), 0.5, 0.4]
EPOCHS = len(GAUGE)
WEIGHTS = {}  # of the encoder, after each epoch


class Gauge(keras.callbacks.Callback):
    """Logs a number for each epoch, and one that is lower, and notes the encoder's weights."""

    def on_epoch_end(self, epoch, logs=None):
        logs["gauge"], logs["lower"] = GAUGE[epoch], GAUGE[epoch] - 1
        WEIGHTS[epoch] = self.model.encoder.get_weights()


def train(model, view_pair, folder, first=0, last=EPOCHS, monitor="gauge", resumed=True):
    best = BestEncoder(folder / "best.keras", monitor, resumed)
    model.steps.assign(first)  # one an epoch
    fit = {"initial_epoch": first, "epochs": last, "callbacks": [Gauge(), best]}
    model.fit(view_pair, batch_size=12, verbose=0, **fit)
    return best


def assert_is_of(path, epoch):
    for actual, expected in zip(keras.models.load_model(path).get_weights(), WEIGHTS[epoch], strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.fixture
def model(tiny_byol):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
    return model


def test_the_first_of_the_best_epochs_is_kept(model, view_pair, tmp_path):
    best = train(model, view_pair, tmp_path)
    assert best.best == BestEpoch(1, 2, "gauge", 0.5)
    assert best.last == (4, 0.4)
    assert_is_of(tmp_path / "best.keras", 1)
    assert json.loads((tmp_path / "best.json").read_text()) == dataclasses.asdict(best.best)


@pytest.mark.parametrize(("stop", "again"), [(1, 1), (2, 2), (3, 2), (4, 4)])
def test_a_resumed_training_knows_the_epochs_before(model, view_pair, tmp_path, stop, again):
    train(model, view_pair, tmp_path, 0, stop)
    assert train(model, view_pair, tmp_path, again).best == BestEpoch(1, 2, "gauge", 0.5)
    assert_is_of(tmp_path / "best.keras", 1)


@pytest.mark.parametrize(("stop", "again"), [(2, 1), (4, 1), (2, 0)])
def test_what_is_trained_again_is_kept_anew(model, view_pair, tmp_path, stop, again):
    train(model, view_pair, tmp_path, 0, stop)
    before = WEIGHTS[1]
    assert train(model, view_pair, tmp_path, again).best == BestEpoch(1, 2, "gauge", 0.5)
    assert_is_of(tmp_path / "best.keras", 1)
    assert not np.array_equal(before[0], WEIGHTS[1][0])


def test_what_is_left_of_an_epoch_knows_the_epochs_before(model, view_pair, tmp_path):
    # Two steps an epoch; the training before stopped in the middle of the third.
    batches = tf.data.Dataset.from_tensor_slices((view_pair,)).batch(6).repeat(EPOCHS)
    callbacks = [Gauge(), BestEncoder(tmp_path / "best.keras", "gauge")]
    model.fit(batches, shuffle=False, epochs=2, steps_per_epoch=2, verbose=0, callbacks=callbacks)
    model.steps.assign(5)
    best = BestEncoder(tmp_path / "best.keras", "gauge", resumed=True)
    model.resume_fit(batches.skip, EPOCHS, 2, [Gauge(), best], verbose=0)
    assert best.best == BestEpoch(1, 4, "gauge", 0.5)
    assert best.last == (4, 0.4)
    assert_is_of(tmp_path / "best.keras", 1)


@pytest.mark.parametrize("lost", ["best.keras", "best.json"])
def test_without_the_encoder_or_its_record_the_best_from_now_on_is_kept(model, view_pair, tmp_path, lost):
    train(model, view_pair, tmp_path, 0, 3)
    (tmp_path / lost).unlink()
    # Of the same value as the one before, which would be kept otherwise.
    assert train(model, view_pair, tmp_path, 3).best == BestEpoch(3, 4, "gauge", 0.5)
    assert_is_of(tmp_path / "best.keras", 3)


def test_the_best_by_another_log_is_replaced(model, view_pair, tmp_path):
    train(model, view_pair, tmp_path, 0, 3)
    assert train(model, view_pair, tmp_path, 3, monitor="lower").best == BestEpoch(3, 4, "lower", -0.5)
    assert_is_of(tmp_path / "best.keras", 3)


def test_a_training_that_is_not_resumed_does_not_know_what_lies_there(model, view_pair, tmp_path):
    train(model, view_pair, tmp_path, 0, 3)
    assert train(model, view_pair, tmp_path, 3, resumed=False).best == BestEpoch(3, 4, "gauge", 0.5)
    assert_is_of(tmp_path / "best.keras", 3)


@pytest.mark.parametrize("content", [b"", b'{"epoch": 1', b"[]", b'{"epoch": 1}', b"\xff"])
def test_a_damaged_record_is_named(model, view_pair, tmp_path, content):
    train(model, view_pair, tmp_path, 0, 1)
    (tmp_path / "best.json").write_bytes(content)
    with pytest.raises(InputError, match=r"^\S+/best\.json (cannot be read: .* Delete it|is not a text file)"):
        train(model, view_pair, tmp_path, 1)


def test_a_folder_that_goes_away_is_not_made_again(model, view_pair, tmp_path):
    folder = tmp_path / "run"
    moving = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: folder.rename(tmp_path / "moved"))
    callbacks = [moving, Gauge(), BestEncoder(folder / "best.keras", "gauge")]
    with pytest.raises(InputError, match="its folder is gone"):
        model.fit(view_pair, batch_size=12, verbose=0, callbacks=callbacks)
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


def test_what_is_not_logged_is_refused(model, view_pair, tmp_path):
    with pytest.raises(InputError, match="monitor='gauge'"):
        model.fit(view_pair, batch_size=12, verbose=0, callbacks=[BestEncoder(tmp_path / "best.keras", "gauge")])
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(InputError, match="BestEncoder goes with a BYOL"):
        other.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[BestEncoder(tmp_path / "best.keras", "x")])
