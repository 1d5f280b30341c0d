import keras
import numpy as np

import byol_keras as bk
from byol_keras.models.mel_input import mel_rate
from byol_keras.tasks import build_classifier


def test_an_encoder_of_recordings_says_so_of_itself_and_in_its_file(tmp_path):
    encoder = bk.resnet8(input_shape=(64, 96, 1), mean=[0.4], std=[0.2], sample_rate=8000)
    plain = bk.resnet8(input_shape=(64, 96, 1), mean=[0.4], std=[0.2])
    assert mel_rate(encoder) == 8000
    assert mel_rate(plain) is None
    assert mel_rate(build_classifier(encoder, 2)) == 8000
    encoder.save(tmp_path / "encoder.keras")
    assert mel_rate(bk.load_encoder(tmp_path / "encoder.keras")) == 8000
    # It changes nothing.
    plain.set_weights(encoder.get_weights())
    spectrograms = np.random.default_rng(0).random((2, 64, 96, 1), np.float32)
    np.testing.assert_array_equal(encoder(spectrograms), plain(spectrograms))
    assert isinstance(encoder, keras.Model)
