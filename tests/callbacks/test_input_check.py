import time

import keras
import pytest
import tensorflow as tf

from byol_keras.callbacks import InputCheck, input_check


@pytest.mark.parametrize("slow", [True, False])
def test_a_starved_step_is_reported_once_with_both_times(slow, tiny_byol, view_pair, capsys, monkeypatch):
    monkeypatch.setattr(input_check, "SECONDS_TO_MEASURE", 0.2)
    batches = tf.data.Dataset.from_tensors((view_pair,)).repeat(200)
    if slow:

        def wait(*views):
            tf.py_function(lambda: time.sleep(0.05), [], [])
            return views

        batches = batches.map(wait)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(batches, steps_per_epoch=8, epochs=2, shuffle=False, verbose=0, callbacks=[InputCheck(batches)])
    error = capsys.readouterr().err
    assert error.count("making a batch takes 0.05") == slow
    assert ("a training step 0.0" in error) == slow


def test_a_single_step_is_nothing_to_measure(tiny_byol, view_pair, capsys):
    batches = tf.data.Dataset.from_tensors((view_pair,))
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(batches, shuffle=False, verbose=0, callbacks=[InputCheck(batches)])
    assert "come slowly" not in capsys.readouterr().err
