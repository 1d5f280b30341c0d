import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.callbacks import InputCheck, input_check


class Clock:
    """Seconds that pass only when a batch is made or a step is done, however busy the machine is."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(input_check, "perf_counter", clock)
    return clock


def endless_batches(clock, seconds):
    """Batches that take so long each; the first, with the buffers still empty, ten times as long."""
    clock.seconds += 9 * seconds
    while True:
        clock.seconds += seconds
        yield


@pytest.mark.parametrize(("making", "step", "slow"), [(0.05, 0.0625, True), (0.05, 0.1, False)])
def test_a_starved_step_is_reported_once_with_both_times(making, step, slow, clock, capsys):
    check = InputCheck(endless_batches(clock, making))
    for epoch in range(2):
        check.on_epoch_begin(epoch)
        for batch in range(64):
            clock.seconds += 30 if (epoch, batch) == (0, 0) else step  # the first one compiles
            check.on_train_batch_end(batch)
        check.on_epoch_end(epoch)
    error = capsys.readouterr().err
    assert error.count("making a batch takes 0.050 s") == slow
    assert ("a training step 0.062 s" in error) == slow
    # Training stood still for the first batch, and no longer than it takes to measure.
    assert clock.seconds == pytest.approx(
        30 + 127 * step + 10 * making + input_check.SECONDS_TO_MEASURE, abs=2 * making
    )


def test_several_steps_per_call_are_counted(clock, capsys):
    check = InputCheck(endless_batches(clock, 0.05))
    check.on_epoch_begin(0)
    for batch in range(3, 64, 4):  # as with steps_per_execution=4
        clock.seconds += 4 * 0.06
        check.on_train_batch_end(batch)
    check.on_epoch_end(0)
    assert "a training step 0.060 s" in capsys.readouterr().err


def test_short_epochs_are_timed_together_without_what_lies_between(clock, capsys):
    check = InputCheck(endless_batches(clock, 0.05))
    said = []
    for epoch in range(4):
        check.on_epoch_begin(epoch)
        for batch in range(21):
            clock.seconds += 30 if (epoch, batch) == (0, 0) else 0.0625
            check.on_train_batch_end(batch)
        clock.seconds += 40  # what else is done at the end of an epoch
        check.on_epoch_end(epoch)
        said.append("a training step 0.062 s" in capsys.readouterr().err)
    assert said == [False, False, True, False]  # 1.25 s of steps an epoch, and three are wanted


@pytest.mark.parametrize("steps", [1, 4])
def test_batches_that_cost_nothing_are_not_reported(steps, tiny_byol, view_pair, capsys, monkeypatch):
    monkeypatch.setattr(input_check, "SECONDS_TO_MEASURE", 0.0)
    batches = tf.data.Dataset.from_tensors((view_pair,)).repeat(steps)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    check = InputCheck(batches)
    model.fit(batches, shuffle=False, verbose=0, callbacks=[check])
    assert check._checked == (steps > 1)
    assert "come slowly" not in capsys.readouterr().err


def test_images_that_are_lost_meanwhile_do_not_end_training(tiny_byol, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(input_check, "SECONDS_TO_MEASURE", 0.0)
    path = tmp_path / "image"
    path.write_bytes(np.random.default_rng(0).random(2 * 4 * 8 * 8 * 3, np.float32).tobytes())

    def views(path):
        pixels = tf.reshape(tf.io.decode_raw(tf.io.read_file(path), tf.float32), (2, 4, 8, 8, 3))
        return ((pixels[0], pixels[1]),)

    batches = tf.data.Dataset.from_tensors(str(path)).repeat(4).map(views)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    losing = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: path.unlink())
    model.fit(batches, shuffle=False, verbose=0, callbacks=[losing, InputCheck(batches)])
    assert int(model.steps) == 4
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("How fast the images come")]
    assert len(said) == 1
    assert "was not measured: " in said[0]
    assert "No such file" in said[0]
