"""Means over windows that epochs end in, against those of the numbers themselves."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from byol_keras.callbacks.gauge_window import GaugeWindow

NUMBERS = np.random.default_rng(0).normal(size=23)


def train(epoch, each_step, window):
    """Logs NUMBERS in epochs of so many steps, as Keras does; what `each_step` gives after each of them."""
    metric = keras.metrics.Mean(name="gauge")
    model, seen = SimpleNamespace(metrics=[metric]), []
    for start in range(0, len(NUMBERS), epoch):
        metric.reset_state()
        window.begin(model)
        for step in range(start, min(start + epoch, len(NUMBERS))):
            metric.update_state(NUMBERS[step])
            seen.append(each_step(model, step + 1))
        window.take(model)
    return [value for value in seen if value is not None]


@pytest.mark.parametrize("epoch", [1, 2, 4, 5, 7, 23])
@pytest.mark.parametrize("size", [1, 3, 5, 11])
def test_means_are_those_of_the_steps_since_the_last_ones(epoch, size):
    window = GaugeWindow()
    seen = train(epoch, lambda model, step: window.means(model) if step % size == 0 else None, window)
    expected = [NUMBERS[end - size : end].mean() for end in range(size, len(NUMBERS) + 1, size)]
    np.testing.assert_allclose([means["gauge"] for means in seen], expected, atol=1e-6)


def test_what_no_step_has_counted_in_has_no_mean():
    window, metric = GaugeWindow(), keras.metrics.Mean(name="gauge")
    model = SimpleNamespace(metrics=[metric])
    window.begin(model)
    metric.update_state(3.0, sample_weight=0.0)  # as a step that was skipped
    assert window.means(model) == {}
