"""Saving a model, loading it, and training on."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

import byol_keras as bk

from .by_hand import assert_trains_alike, batches


# A loaded model that is compiled goes on as well in tests/workflows/test_extension.py.
@pytest.mark.parametrize(
    ("with_augmenter", "eagerly"),
    [(True, True), *(pytest.param(given, False, marks=pytest.mark.slow) for given in (False, True))],
)
def test_training_on_after_loading_is_training_without_a_break(tiny_byol, view_pair, tmp_path, with_augmenter, eagerly):
    dataset = batches(view_pair)
    if with_augmenter:
        dataset = dataset.map(lambda views: views[0])

    def fit(model, **epochs):
        return model.fit(dataset, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9)], **epochs).history

    def compiled():
        keras.utils.set_random_seed(5)  # starts the seeds of the views
        model = tiny_byol(augmenter=bk.TwoViews(8) if with_augmenter else None)
        optimizer = bk.LARS(bk.schedules.warmup_cosine(2.0, 256, 9, 2), weight_decay=1e-4, eta=0.1)
        model.compile(optimizer, run_eagerly=eagerly)
        return model

    whole = compiled()
    whole_history = fit(whole, epochs=3)
    part = compiled()
    part.fit(dataset, epochs=3, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.9), _StopAfter(1)])
    part.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(99)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    history = fit(loaded, epochs=3, initial_epoch=1)
    for name in ("loss", "target_std", "tau"):
        assert history[name] == pytest.approx(whole_history[name][1:], abs=1e-6)
    for actual, expected in zip(loaded.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)
    for actual, expected in zip(loaded.optimizer.variables, whole.optimizer.variables, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


class _StopAfter(keras.callbacks.Callback):
    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 >= self.epochs


def test_a_loaded_model_keeps_its_schedule_without_the_callback(tiny_byol, view_pair, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.set_target_schedule(0.9, 4)
    for _ in range(2):
        model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    # The third and fourth of four updates, and one after them.
    for tau in (0.95, 1 - 0.1 * (1 - 0.5**0.5) / 2, loaded.tau):
        assert float(loaded.train_step((view_pair,))["tau"]) == pytest.approx(tau, abs=1e-6)


def test_a_constant_tau_is_kept(tiny_byol, tmp_path):
    model = tiny_byol(tau=0.25)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tau == 0.25
    assert float(loaded.tau_base) == 0.25


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_precision_is_kept_by_saving(tiny_byol, set_policy, view_pair, tmp_path, policy):
    set_policy(policy)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    model.train_step((view_pair,))
    model.save(tmp_path / "model.keras")
    set_policy("float32")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.encoder.layers[1].compute_dtype == policy.removeprefix("mixed_")
    assert type(loaded.optimizer) is type(model.optimizer)
    assert_trains_alike(model, loaded, view_pair)


def test_a_saved_model_holds_every_weight_once(tiny_byol, tmp_path):
    model = tiny_byol()
    model.compile(bk.LARS(0.1))
    model.save(tmp_path / "model.keras")
    stored = []
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(lambda name, item: stored.append(item.size) if isinstance(item, h5py.Dataset) else None)
    variables = [*model.variables, *model.optimizer.variables]
    expected = sum(int(np.prod(v.shape)) for v in variables)
    # Metrics and names of the file format are a few numbers more.
    assert expected <= sum(stored) <= expected + 10
