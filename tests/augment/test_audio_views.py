import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk

RNG = np.random.default_rng(0)
STILL = {"canvas": (1.0, 1.0), "frequency_scale": (1.0, 1.0), "time_scale": (1.0, 1.0)}
SEED = tf.constant([3, 4])


def spectrograms(count=6, frames=20):
    return RNG.random((count, 8, frames, 1), np.float32)


def test_two_views_of_the_asked_size():
    for given in (spectrograms(frames=12), np.uint16(65535 * spectrograms())):
        views = bk.AudioViews(12)(given)
        assert [view.shape for view in views] == [(6, 8, 12, 1)] * 2
        assert np.abs(views[0] - views[1]).max() > 0.1


def test_both_views_are_of_one_part_of_a_longer_recording():
    given = np.tile(np.arange(40) / 40, (400, 8, 1)).astype(np.float32)[..., None]
    view_1, view_2 = bk.AudioViews(10, mixup=0.0, seed=0, **STILL)(given)
    np.testing.assert_allclose(view_1, view_2, atol=1e-6)
    starts = np.rint(40 * view_1[:, 0, 0, 0].numpy())
    assert (starts.min(), starts.max()) == (0, 30)
    np.testing.assert_allclose(view_1[:, 0, -1, 0], (starts + 9) / 40, atol=1e-6)


def test_a_shorter_recording_lies_in_the_middle_of_silence():
    view, _ = bk.AudioViews(10, mixup=0.0, **STILL)(np.ones((2, 8, 4, 1), np.float32))
    np.testing.assert_allclose(view[0, 0, :, 0], [0, 0, 0, 1, 1, 1, 1, 0, 0, 0], atol=1e-6)


def test_it_mixes_with_inputs_of_before_the_latest_of_them_only():
    layer = bk.AudioViews(4, mixup=0.5, mixup_memory=3, seed=0, **STILL)
    quiet, loud = np.full((2, 8, 4, 1), 0.2, np.float32), np.full((3, 8, 4, 1), 0.8, np.float32)
    first, _ = layer(quiet)
    np.testing.assert_allclose(first, quiet, atol=1e-6)  # nothing was before
    again, _ = layer(quiet)
    np.testing.assert_allclose(again, quiet, atol=2e-3)  # with themselves, of 256 levels
    layer(loud)
    view_1, view_2 = layer(np.repeat(quiet, 100, axis=0))
    for view in (view_1, view_2):
        levels = view.numpy()[:, 0, 0, 0]
        # log(share) below the loud one, the share uniform from 0 to a half.
        shares = np.exp(29 * (levels - 0.8))
        assert 0.4 < shares.max() < 0.52
        assert abs(shares.mean() - 0.25) < 0.03
    again, _ = layer(quiet)
    np.testing.assert_allclose(again, quiet, atol=2e-3)  # the loud ones are forgotten


def test_views_have_the_mean_and_std_the_encoder_normalizes_by():
    layer = bk.AudioViews(12, mixup=0.0, mean=0.4, std=0.3, seed=1)
    for _ in range(5):
        views = np.concatenate(layer(spectrograms(200, 12)))
    assert abs(views.mean() - 0.4) < 0.01
    assert abs(views.std() - 0.3) < 0.01


def test_the_running_statistics_are_the_mean_of_all_batches_at_first():
    layer = bk.AudioViews(4, mixup=0.0, mean=0.5, std=0.25, **STILL)
    layer(np.full((2, 8, 4, 1), 0.2, np.float32))
    view, _ = layer(np.full((2, 8, 4, 1), 0.6, np.float32))
    # Mean 0.4 of the two, and their std 0.2.
    np.testing.assert_allclose(view, (0.6 - 0.4) / 0.2 * 0.25 + 0.5, atol=1e-5)


def test_with_a_seed_nothing_is_remembered():
    layer = bk.AudioViews(12, mean=0.4, std=0.3, seed=1)
    given = spectrograms(8, 12)
    layer(given)
    before = [np.array(weight) for weight in layer.weights]
    first, again = layer(given, seed=SEED), layer(given, seed=SEED)
    np.testing.assert_array_equal(first, again)
    for weight, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    layer(given)
    assert any(np.any(np.array(weight) != value) for weight, value in zip(layer.weights, before, strict=True))


def test_a_saved_model_goes_on_with_the_same_views(tmp_path):
    inputs = keras.Input((8, 12, 1))
    model = keras.Model(inputs, bk.AudioViews(12, mixup_memory=5, mean=0.4, std=0.3, seed=1)(inputs))
    given = [spectrograms(4, 12) for _ in range(4)]
    for batch in given[:2]:
        model(batch)
    model.save(tmp_path / "views.keras")
    loaded = keras.models.load_model(tmp_path / "views.keras")
    for batch in given[2:]:
        np.testing.assert_array_equal(model(batch), loaded(batch))


@pytest.mark.parametrize(
    "wrong",
    [{"frames": 0}, {"mixup": 1.0}, {"mixup_memory": 0}, {"canvas": (0.5, 1)}, {"time_scale": (2, 1)}, {"mean": 0.5}],
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(bk.InputError, match="Received"):
        bk.AudioViews(**wrong)


@pytest.mark.slow
def test_several_replicas_are_refused():
    # Devices must be set up before TensorFlow starts.
    program = """
import tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import byol_keras as bk
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    try:
        bk.AudioViews(12).build((None, 8, 12, 1))
    except bk.InputError as error:
        print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("refused: AudioViews trains on one device")
