"""The encoder of the best epoch, on disk, also where training was cut in two."""

import keras
import numpy as np
import pytest

from byol_keras.callbacks import BestEncoder, CSVHistory
from byol_keras.errors import InputError

GAUGE = [0.2, 0.5, float("nan"), 0.5, 0.4]
EPOCHS = len(GAUGE)
WEIGHTS = {}  # of the encoder, after each epoch


class Gauge(keras.callbacks.Callback):
    """Logs a number for each epoch, and notes the encoder's weights."""

    def on_epoch_end(self, epoch, logs=None):
        logs["gauge"] = GAUGE[epoch]
        WEIGHTS[epoch] = self.model.encoder.get_weights()


def train(model, view_pair, folder, first=0, last=EPOCHS):
    best = BestEncoder(folder / "best.keras", "gauge", folder / "history.csv")
    callbacks = [Gauge(), best, CSVHistory(folder / "history.csv")]
    model.fit(view_pair, batch_size=12, initial_epoch=first, epochs=last, verbose=0, callbacks=callbacks)
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
    assert best.best == (1, 0.5)
    assert best.last == (4, 0.4)
    assert_is_of(tmp_path / "best.keras", 1)


@pytest.mark.parametrize(("stop", "again", "best"), [(2, 2, 1), (1, 1, 1), (3, 1, 1), (2, 1, 1)])
def test_a_resumed_training_knows_the_epochs_before(model, view_pair, tmp_path, stop, again, best):
    train(model, view_pair, tmp_path, 0, stop)
    assert train(model, view_pair, tmp_path, again).best == (best, 0.5)
    assert_is_of(tmp_path / "best.keras", best)


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
