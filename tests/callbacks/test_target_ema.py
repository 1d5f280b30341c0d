import math

import keras
import pytest
import tensorflow as tf

import byol_keras as bk


def tau_at(k, total, base=0.9):
    return 1 - (1 - base) * (1 + math.cos(math.pi * k / total)) / 2


class PerBatch(keras.callbacks.Callback):
    """tau in the logs of every call."""

    def __init__(self):
        super().__init__()
        self.taus = []

    def on_train_batch_end(self, batch, logs=None):
        self.taus.append(float(logs["tau"]))


@pytest.fixture
def train(tiny_byol, view_pair):
    """Trains on 6 batches an epoch and returns tau after each call of the step; `model` to train one on."""

    def run(model=None, accumulate=None, per_execution=1, callback=None, dataset=None, **fit):
        if model is None:
            model = tiny_byol()
            # Eager where nothing depends on the graph, for speed.
            optimizer = keras.optimizers.SGD(0.0, gradient_accumulation_steps=accumulate)
            model.compile(optimizer, steps_per_execution=per_execution, run_eagerly=per_execution == 1)
        if dataset is None:
            dataset = tf.data.Dataset.from_tensor_slices((view_pair,)).batch(2)
        seen = PerBatch()
        model.fit(dataset, shuffle=False, verbose=0, callbacks=[callback or bk.TargetEMA(0.9), seen], **fit)
        return model, seen.taus

    return run


def test_tau_follows_the_cosine_over_all_epochs(train):
    _, taus = train(epochs=2)
    assert taus == pytest.approx([tau_at(k, 12) for k in range(12)], abs=1e-6)


def test_steps_per_execution_do_not_change_the_schedule(train):
    _, taus = train(epochs=2, per_execution=4)
    # Logs show the last step of every call: the 4th and 6th of each epoch.
    assert taus == pytest.approx([tau_at(k, 12) for k in (3, 5, 9, 11)], abs=1e-6)


def test_accumulated_gradients_count_as_one_update(train):
    _, taus = train(epochs=2, accumulate=3)
    assert taus == pytest.approx([tau_at(batch // 3, 4) for batch in range(12)], abs=1e-6)


def test_an_accumulation_may_go_on_over_the_end_of_an_epoch(train):
    # 12 batches make 3 updates of 4.
    _, taus = train(epochs=2, accumulate=4)
    assert taus == pytest.approx([tau_at(batch // 4, 3) for batch in range(12)], abs=1e-6)


@pytest.mark.parametrize("accumulate", [None, 4])
def test_training_resumed_with_initial_epoch_stays_on_the_curve(train, accumulate):
    _, whole = train(epochs=3, accumulate=accumulate)

    class Stop(bk.TargetEMA):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model, first = train(epochs=3, accumulate=accumulate, callback=Stop(0.9))
    _, rest = train(model, epochs=3, initial_epoch=1)
    assert len(first) == 6
    assert first + rest == pytest.approx(whole, abs=1e-6)


def test_a_second_fit_counts_the_updates_already_made(train):
    model, _ = train(epochs=1)
    _, taus = train(model, epochs=1)
    assert taus == pytest.approx([tau_at(k, 12) for k in range(6, 12)], abs=1e-6)


def test_steps_per_epoch_decides_the_length(train, view_pair):
    endless = tf.data.Dataset.from_tensor_slices((view_pair,)).batch(2).repeat()
    _, taus = train(dataset=endless, steps_per_epoch=4, epochs=2)
    assert taus == pytest.approx([tau_at(k, 8) for k in range(8)], abs=1e-6)


def test_a_skipped_step_is_no_update(train, tiny_byol, set_policy):
    set_policy("mixed_float16")
    model = tiny_byol()
    # So large a scale overflows in every step.
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), 1e30), run_eagerly=True)
    _, taus = train(model, epochs=1)
    assert taus == pytest.approx([0.9] * 6, abs=1e-6)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_length_unknown_is_refused_unless_given(train, view_pair):
    unknown = tf.data.Dataset.from_tensor_slices((view_pair,)).batch(2).filter(lambda views: True)
    with pytest.raises(bk.InputError, match="steps_per_epoch to fit, or total_updates"):
        train(dataset=unknown)
    _, taus = train(dataset=unknown, callback=bk.TargetEMA(0.9, total_updates=8))
    assert taus == pytest.approx([tau_at(k, 8) for k in range(6)], abs=1e-6)


def test_default_base_is_that_of_the_longest_training(train):
    _, taus = train(callback=bk.TargetEMA())
    assert taus[0] == pytest.approx(0.996, abs=1e-6)


def test_other_models_are_refused():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(bk.InputError, match=r"BYOL model\. Received: Sequential"):
        model.fit(tf.zeros((2, 2)), tf.zeros((2, 1)), verbose=0, callbacks=[bk.TargetEMA(0.9)])


@pytest.mark.parametrize("base", [-0.1, 1.1])
def test_base_must_be_a_share(base):
    with pytest.raises(bk.InputError, match=f"tau_base={base}"):
        bk.TargetEMA(base)
