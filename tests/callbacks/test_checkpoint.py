import math
import shutil
import time

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.callbacks import Checkpoint, CSVHistory, load_checkpoint
from byol_keras.callbacks.checkpoint import checkpoints
from byol_keras.callbacks.csv_history import read_history
from byol_keras.errors import InputError, Interrupted

from ..byol.by_hand import batches

STEPS, EPOCHS = 3, 3


@pytest.fixture(scope="module")
def make_model(tiny_byol):
    def make():
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.Dropout(0.2)(keras.layers.Conv2D(4, 3)(inputs))
        model = tiny_byol(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
        # Eagerly: what is compiled is the same, and takes seconds for each `fit`.
        model.compile(
            keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.1, EPOCHS * STEPS)), run_eagerly=True
        )
        return model

    return make


@pytest.fixture(scope="module")
def batches_from(view_pair):
    """Every step has a batch of its own."""

    def make(step):
        rng = np.random.default_rng(3)
        rolls = rng.permutation(12)[: EPOCHS * STEPS]
        views = [tuple(np.roll(view, roll, axis=0)[:4] for view in view_pair) for roll in rolls[step:]]
        return batches(tuple(np.concatenate(v) for v in zip(*views, strict=True)), 4)

    return make


def train(model, batches_from, folder, epochs=EPOCHS, **checkpoint):
    callbacks = [bk.TargetEMA(0.9), CSVHistory(folder / "history.csv"), Checkpoint(folder / "saved", **checkpoint)]
    model.resume_fit(batches_from, epochs, STEPS, callbacks, verbose=0)
    return model


def signal_at(model, step):
    """SIGTERM comes in a step of a model."""
    return lambda: 15 if int(model.steps) == step else None


def state(model):
    measured = [v for metric in model.metrics for v in metric.variables]
    return [v.numpy() for v in (*model.weights, *model.optimizer.variables, *measured)]


@pytest.fixture(scope="module")
def whole(make_model, batches_from, tmp_path_factory):
    """A model that was trained without a stop, and its folder."""
    folder = tmp_path_factory.mktemp("whole")
    return train(make_model(), batches_from, folder), folder


# In the middle of an epoch, at its end, after the first step of the next, and at the very end.
@pytest.mark.parametrize("stop_at", [2, 3, 4, 9])
def test_a_stop_at_any_step_changes_nothing(make_model, batches_from, whole, tmp_path, stop_at):
    whole, folder = whole
    model = make_model()
    with pytest.raises(Interrupted, match=f"stopped at step {stop_at};"):
        train(model, batches_from, tmp_path / "cut", stop=signal_at(model, stop_at))
    loaded = load_checkpoint(tmp_path / "cut" / "saved")
    assert int(loaded.steps) == stop_at
    resumed = train(loaded, batches_from, tmp_path / "cut")
    for actual, expected in zip(state(resumed), state(whole), strict=True):
        np.testing.assert_array_equal(actual, expected)
    history = [(path / "history.csv").read_text() for path in (folder, tmp_path / "cut")]
    assert history[0] == history[1]
    assert history[0].count("\n") == 1 + EPOCHS


@pytest.mark.parametrize(("epochs", "steps"), [(2.4, 7), (0.1, 1), (0.7, 2)])
def test_a_last_epoch_may_be_a_part_of_one(make_model, batches_from, tmp_path, epochs, steps):
    whole = train(make_model(), batches_from, tmp_path / "whole", epochs)
    assert int(whole.steps) == int(whole.total_updates) == steps
    rows = read_history(tmp_path / "whole" / "history.csv")
    assert [row["epoch"] for row in rows] == list(range(math.ceil(epochs)))
    # The mean of the part alone, and tau at its last update.
    assert rows[-1]["tau"] == pytest.approx(1 - 0.1 * (1 + np.cos(np.pi * (steps - 1) / steps)) / 2, abs=1e-6)
    # Stopped before its last step and after it, and resumed.
    for stop_at in range(max(1, steps - 1), steps + 1):
        cut, model = tmp_path / f"cut-{stop_at}", make_model()
        with pytest.raises(Interrupted):
            train(model, batches_from, cut, epochs, stop=signal_at(model, stop_at))
        resumed = train(load_checkpoint(cut / "saved"), batches_from, cut, epochs)
        for actual, expected in zip(state(resumed), state(whole), strict=True):
            np.testing.assert_array_equal(actual, expected)
        assert read_history(cut / "history.csv") == rows


def test_a_part_of_an_epoch_at_the_end_is_no_fit_of_its_own(make_model, batches_from):
    begun = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: fits.append(logs))
    fits, model = [], make_model()
    model.resume_fit(batches_from, 1.4, STEPS, [begun], verbose=0)
    assert (len(fits), int(model.steps)) == (1, 4)


def test_it_is_written_by_steps_and_the_newest_two_are_kept(make_model, batches_from, tmp_path):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append([step for step, _ in checkpoints(tmp_path / "saved")])

    model = make_model()
    model.resume_fit(batches_from, EPOCHS, STEPS, [Look(), Checkpoint(tmp_path / "saved", steps=2)], verbose=0)
    assert seen == [[], [], [2], [2], [4, 2], [4, 2], [6, 4], [6, 4], [8, 6]]
    assert [step for step, _ in checkpoints(tmp_path / "saved")] == [9, 8]


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_it_is_written_by_time_whatever_the_clock_says(make_model, batches_from, tmp_path, monkeypatch, jump):
    clock, wall = [0.0], time.time()
    monkeypatch.setattr("byol_keras.callbacks.checkpoint.monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "time", lambda: wall + jump)
    seen = []

    class Minute(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            clock[0] += 60
            seen.append([step for step, _ in checkpoints(tmp_path / "saved")])

    callbacks = [Minute(), Checkpoint(tmp_path / "saved", minutes=4)]
    make_model().resume_fit(batches_from, EPOCHS, STEPS, callbacks, verbose=0)
    assert seen == [[]] * 4 + [[4]] * 4 + [[8, 4]]


@pytest.fixture(scope="module")
def two_saved(make_model, batches_from, tmp_path_factory):
    """The folder of a training with the checkpoints of steps 9 and 8; to be copied."""
    folder = tmp_path_factory.mktemp("two")
    train(make_model(), batches_from, folder, steps=4)
    return folder


@pytest.mark.parametrize("damage", ["cut", "altered", "unfinished", "empty"])
def test_a_damaged_one_is_named_and_the_one_before_is_used(two_saved, tmp_path, capfd, damage):
    shutil.copytree(two_saved, tmp_path, dirs_exist_ok=True)
    (step, newest), (before, older) = checkpoints(tmp_path / "saved")
    assert (step, before) == (9, 8)
    content = bytearray(newest.read_bytes())
    if damage == "cut":
        newest.write_bytes(content[:-1])
    elif damage == "altered":
        content[len(content) // 2] ^= 1
        newest.write_bytes(content)
    elif damage == "unfinished":
        newest.with_name(newest.name + ".sha256").unlink()
    else:
        newest.with_name(newest.name + ".sha256").write_text("")
    loaded = load_checkpoint(tmp_path / "saved")
    assert int(loaded.steps) == 8
    assert f"{newest} was " in capfd.readouterr().err
    for path in (newest, older):
        path.write_bytes(b"")
    with pytest.raises(bk.InputError, match=r"None of the 2 checkpoints in .* is as it was written"):
        load_checkpoint(tmp_path / "saved")


def test_a_damaged_one_does_not_push_out_a_good_one(two_saved, batches_from, tmp_path):
    shutil.copytree(two_saved, tmp_path, dirs_exist_ok=True)
    newest = checkpoints(tmp_path / "saved")[0][1]
    newest.write_bytes(newest.read_bytes()[:-1])
    train(load_checkpoint(tmp_path / "saved"), batches_from, tmp_path, steps=4)
    assert [s for s, _ in checkpoints(tmp_path / "saved")] == [9, 8]
    assert int(load_checkpoint(tmp_path / "saved").steps) == 9


def test_another_training_in_the_same_folder_is_the_one_that_is_kept(make_model, view_pair, tmp_path):
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        model = make_model()
        model.encoder.set_weights([w + seed for w in model.encoder.get_weights()])
        model.fit(view_pair, batch_size=6, epochs=1, verbose=0, callbacks=[Checkpoint(tmp_path)])
    for kept, trained in zip(load_checkpoint(tmp_path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, trained)


def test_averaged_weights_are_saved_and_not_resumed_within_an_epoch(make_model, view_pair, batches_from, tmp_path):
    model = make_model()
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, run_eagerly=True)
    model.fit(view_pair, batch_size=6, epochs=1, verbose=0, callbacks=[Checkpoint(tmp_path, steps=1)])
    for kept, trained in zip(load_checkpoint(tmp_path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, trained)
    with pytest.raises(InputError, match="use_ema=True"):
        model.resume_fit(batches_from, EPOCHS, STEPS, verbose=0)


def test_none_where_there_is_none(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "missing") is None


def test_its_folder_is_not_made_again(make_model, batches_from, tmp_path):
    class Remove(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if (tmp_path / "saved").is_dir():
                (tmp_path / "saved").rmdir()

    callbacks = [Remove(), Checkpoint(tmp_path / "saved", steps=1)]
    with pytest.raises(bk.InputError, match=r"Cannot write .*step-00000001\.keras: its folder is gone"):
        make_model().resume_fit(batches_from, EPOCHS, STEPS, callbacks, verbose=0)
    assert not (tmp_path / "saved").exists()


def test_bad_arguments_are_refused(tmp_path):
    for given in ({"minutes": 0}, {"minutes": float("nan")}, {"steps": 0}):
        with pytest.raises(bk.InputError, match=f"Received: {next(iter(given))}="):
            Checkpoint(tmp_path, **given)
