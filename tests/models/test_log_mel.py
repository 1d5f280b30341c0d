import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.export.graph.archive import trace, write_archive

RNG = np.random.default_rng(0)


def mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def expected_log_mel(samples, rate):
    """The same numbers by an FFT in float64, with the triangles of the mel scale written out."""
    hop, window = round(0.01 * rate), round(0.064 * rate)
    size = 2 ** int(np.ceil(np.log2(window)))
    frames = -(-len(samples) // hop)
    missing = (frames - 1) * hop + window - len(samples)
    padded = np.pad(samples, (missing // 2, missing - missing // 2))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    cut = np.stack([padded[i * hop : i * hop + window] for i in range(frames)])
    powers = np.abs(np.fft.rfft(cut * hann, size) / hann.sum()) ** 2
    powers[:, 1:-1] *= 2
    edges = np.linspace(mel(60.0), mel(0.975 * rate / 2), 66)
    bins = mel(np.arange(size // 2 + 1) * rate / size)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    bands = powers @ np.maximum(0, np.minimum(rising, falling))
    return np.clip((np.log(np.maximum(bands, 1e-30)) + 28) / 29, 0, 1).T


@pytest.mark.parametrize("rate", [8000, 16000, 11025])
def test_it_is_the_log_mel_spectrogram(rate):
    times = np.arange(round(0.3 * rate)) / rate
    samples = 0.3 * np.sin(2 * np.pi * 440 * times) + RNG.normal(0, 1e-3, len(times))
    given = bk.LogMel(rate)(samples[None].astype(np.float32)).numpy()[0, ..., 0]
    np.testing.assert_allclose(given, expected_log_mel(samples, rate), atol=2e-4)


def test_a_sine_of_full_scale_stands_where_it_is_said_to():
    times = np.arange(15360) / 16000
    bands = bk.LogMel(16000)(np.sin(2 * np.pi * 1000 * times)[None].astype(np.float32)).numpy()[0, :, 48, 0]
    # Its power 0.5, by the window spread over bins of 1, 1/4 and 1/4, of which a band takes a part at least.
    assert np.log(0.25) < bands.max() * 29 - 28 < np.log(0.75)
    assert abs(int(bands.argmax()) - 65 * (mel(1000) - mel(60)) / (mel(7800) - mel(60)) + 1) < 1


def test_silence_is_zero_and_clipped_noise_is_at_most_one():
    layer = bk.LogMel(8000)
    assert not layer(np.zeros((1, 7680), np.float32)).numpy().any()
    square = np.sign(np.sin(np.arange(7680) * 0.3))[None].astype(np.float32)
    assert layer(square).numpy().max() <= 1


@pytest.mark.parametrize(("samples", "frames"), [(7680, 96), (7681, 97), (80, 1), (40, 1)])
def test_there_is_a_frame_for_each_10_ms_begun(samples, frames):
    layer = bk.LogMel(8000)
    assert layer(np.zeros((2, samples), np.float32)).shape == (2, 64, frames, 1)
    assert layer.compute_output_shape((2, samples)) == (2, 64, frames, 1)


def test_it_has_nothing_to_train_and_is_saved(tmp_path):
    inputs = keras.Input((800,))
    model = keras.Model(inputs, bk.LogMel(8000)(inputs))
    assert model.trainable_weights == []
    model.save(tmp_path / "front.keras")
    samples = RNG.normal(0, 0.1, (2, 800)).astype(np.float32)
    loaded = keras.models.load_model(tmp_path / "front.keras")
    np.testing.assert_array_equal(loaded.predict(samples, verbose=0), model.predict(samples, verbose=0))


def test_litert_gives_the_same_by_built_in_operations(tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    layer = bk.LogMel(8000)
    layer.build((1, 7680))
    signature = trace(layer, tf.TensorSpec((1, 7680)))
    write_archive([weight.value for weight in layer.weights], {"serving_default": signature}, tmp_path)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    interpreter = Interpreter(model_content=converter.convert())
    interpreter.allocate_tensors()
    samples = RNG.normal(0, 0.1, (1, 7680)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], samples)
    interpreter.invoke()
    given = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.testing.assert_allclose(given, layer(samples), atol=1e-5)


@pytest.mark.parametrize("rate", [0, 16000.0, 100, 1000])
def test_sample_rates_that_cannot_be_are_refused(rate):
    with pytest.raises(bk.InputError, match="sample_rate=" + str(rate)):
        bk.LogMel(rate)
