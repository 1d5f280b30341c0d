"""What is said of the time left, by a clock of the tests' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.callbacks import TimeLeft
from byol_keras.errors import InputError


class Clock:
    """A clock that every look at it moves on."""

    def __init__(self, seconds):
        self.now, self.seconds = 0.0, seconds

    def __call__(self):
        self.now += self.seconds
        return self.now


@pytest.fixture
def train(tiny_byol, view_pair, capsys):
    """The lines said while a BYOL trains for epochs of three batches, with what `fit` is given."""

    def train(clock, model=None, **arguments):
        model = model or tiny_byol()
        model.compile("sgd", run_eagerly=True)
        batches = tf.data.Dataset.from_tensors((view_pair,)).repeat(3)
        model.fit(batches, verbose=0, shuffle=False, callbacks=[TimeLeft(clock)], **arguments)
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("About")]

    return train


def test_after_each_epoch_but_the_last(train):
    # Looks at 100 after step 1, at 200 after step 2, which is the first to say, at 300 while it says it; then once
    # after step 3 and 6: 300 s for 2 steps, 400 s for 5.
    assert train(Clock(100), epochs=3) == [
        "About 23 min of training left, 7 steps.",
        "About 15 min of training left, 6 steps.",
        "About 4 min of training left, 3 steps.",
    ]


def test_a_short_training_says_nothing_in_between(train):
    lines = train(Clock(0.001), epochs=2)
    assert lines == ["About 0 s of training left, 3 steps."]


def test_what_is_left_goes_by_the_epochs_of_this_fit(train, tiny_byol):
    model = tiny_byol()
    train(Clock(0.001), model, epochs=2)
    (line,) = train(Clock(0.001), model, epochs=4, initial_epoch=2)
    assert line.endswith("3 steps.")


@pytest.mark.slow
def test_a_resumed_training_is_one(tiny_byol, capsys):
    views, images = bk.TwoViews(8), np.zeros((24, 8, 8, 3), np.uint8)
    images[::2] = 255
    source = bk.data.from_arrays(images)
    model = tiny_byol()
    model.compile("sgd", run_eagerly=True)
    model.steps.assign(1)

    def batches_from(step):
        return bk.data.two_view_batches(source, views, 8, 9, seed=0, first_step=step)

    model.resume_fit(batches_from, 3, 3, [TimeLeft(Clock(0.001))], verbose=0)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("About")]
    assert [line.split(", ")[1] for line in said] == ["6 steps.", "3 steps."]


def test_the_training_of_another_model_is_another(tiny_byol, view_pair, capsys):
    batches, callback, said = tf.data.Dataset.from_tensors((view_pair,)).repeat(9), TimeLeft(Clock(100)), []
    for _ in range(2):
        model = tiny_byol()
        model.compile("sgd", run_eagerly=True)
        model.resume_fit(batches.skip, 3, 3, [callback], verbose=0)
        said.append([line for line in capsys.readouterr().out.splitlines() if line.startswith("About")])
    assert [line.split(", ")[1] for line in said[0]] == ["7 steps.", "6 steps.", "3 steps."]
    assert said[1] == said[0]


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_training_without_a_batch_says_nothing_of_it(tiny_byol, view_pair):
    model = tiny_byol()
    model.compile("sgd", run_eagerly=True)
    nothing = tf.data.Dataset.from_tensors((view_pair,)).take(0)
    with pytest.raises(InputError, match="none for 0"):
        model.resume_fit(nothing.skip, 3, 3, [TimeLeft()], verbose=0)


def test_another_model_is_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match="TimeLeft goes with a BYOL"):
        model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[TimeLeft()])
