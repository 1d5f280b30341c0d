import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.schedules import cosine_tau, warmup_cosine


@pytest.mark.parametrize("base", [0.97, 0.99, 0.996])
@pytest.mark.parametrize(
    ("step", "distance"),  # from 1, in units of 1 - base
    [(0, 1.0), (300, 0.75), (450, 0.5), (600, 0.25), (900, 0.0)],
)
def test_target_decay_rises_from_the_base_to_one_along_a_cosine(base, step, distance):
    decay = cosine_tau(step, 900, base)
    assert decay.dtype == tf.float32
    assert float(decay) == pytest.approx(1 - (1 - base) * distance, abs=2e-7)


def test_target_decay_stays_one_after_the_end():
    assert float(cosine_tau(1500, 900, 0.97)) == 1.0


def test_target_decay_of_no_updates_is_the_base():
    assert float(cosine_tau(0, 0, 0.97)) == pytest.approx(0.97)
    assert float(cosine_tau(tf.constant(0, tf.int64), tf.constant(0, tf.int64), 0.97)) == pytest.approx(0.97)


def test_target_decay_takes_integer_tensors():
    assert float(cosine_tau(tf.constant(300, tf.int64), tf.constant(900, tf.int64), 0.97)) == pytest.approx(0.9775)


# Batch 4096 and base 0.2: the peak is 3.2.
@pytest.mark.parametrize(("step", "rate"), [(0, 3.2), (300, 2.4), (450, 1.6), (600, 0.8), (900, 0.0)])
def test_learning_rate_without_warm_up(step, rate):
    assert float(warmup_cosine(0.2, 4096, 900)(step)) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0.0), (1, 0.32), (5, 1.6), (10, 3.2), (50, 2.4), (70, 1.6), (90, 0.8), (130, 0.0)],
)
def test_learning_rate_with_warm_up(step, rate):
    assert float(warmup_cosine(0.2, 4096, 130, warmup_steps=10)(step)) == pytest.approx(rate, abs=1e-6)


def test_learning_rate_at_batch_256_peaks_at_the_base():
    assert float(warmup_cosine(2.0, 256, 100)(0)) == pytest.approx(2.0)


def test_learning_rate_survives_serialization():
    schedule = warmup_cosine(0.45, 512, 130, warmup_steps=10)
    serialized = keras.optimizers.schedules.serialize(schedule)
    copy = keras.optimizers.schedules.deserialize(serialized)
    for step in (0, 5, 10, 70):
        np.testing.assert_array_equal(copy(step), schedule(step))


@pytest.mark.parametrize(("total", "warmup"), [(10, 10), (10, 11), (10, -1), (0, 0)])
def test_warm_up_must_be_shorter_than_training(total, warmup):
    with pytest.raises(ValueError, match=f"warmup_steps={warmup}, total_steps={total}"):
        warmup_cosine(0.2, 256, total, warmup)
