"""What a clock of the tests' own says of steps and epochs."""

import itertools

import pytest
import tensorflow as tf

from byol_keras.callbacks import StepClock


def timed(seconds, *ticks):
    """A StepClock whose looks at the clock are so far apart."""
    times = itertools.accumulate(ticks)
    return StepClock(seconds, clock=lambda: next(times))


@pytest.fixture
def fit(tiny_byol, view_pair):
    def fit(clock, epochs):
        model = tiny_byol()
        model.compile("sgd")
        batches = tf.data.Dataset.from_tensors((view_pair,)).repeat()
        model.fit(batches, steps_per_epoch=3, epochs=epochs, verbose=0, shuffle=False, callbacks=[clock])
        return int(model.steps)

    return fit


def test_steps_and_ends_of_epochs_by_hand(fit):
    # The start, three steps and an end; twice.
    clock = timed(1000, 100, 30, 2, 4, 0.5, 3, 2, 4, 1.5, 7)
    assert fit(clock, 2) == 6
    assert (clock.first, clock.step, clock.end, clock.close) == (30, 3, 1, 7)


def test_it_stops_when_it_has_timed_enough(fit):
    # After the first step 2, 4, 4.5, 7.5 and 9.5 seconds: the last is that of the second step of the second epoch.
    clock = timed(9, 100, 30, 2, 2, 0.5, 3, 2, 1.5, 7)
    assert fit(clock, 100) == 5
    assert clock.end == 1


@pytest.mark.parametrize(
    ("seconds", "epochs"),
    [
        (30 + 2 * 3 + 1, 1),  # one epoch: the first step, two others, and its end
        (30 + 8 * 3 + 3, 3),
        (30 + 3 * 3 + 2, 4 / 3),  # an epoch, and a step and the end of a part of one
        (30 + 2 * 3 + 1 + 0.9, 1),  # no time for the end of a part
        (10, 0),
    ],
)
def test_the_epochs_there_is_time_for(fit, seconds, epochs):
    clock = timed(1000, 100, 30, 2, 4, 0.5, 3, 2, 4, 1.5, 7)
    fit(clock, 2)
    assert clock.epochs_within(seconds, 3) == pytest.approx(epochs, abs=1e-9)
