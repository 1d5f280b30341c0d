import numpy as np
import pytest

import byol_keras as bk
from byol_keras.data import from_arrays, open_source
from byol_keras.evaluation.mel_statistics import mel_statistics

from ..sounds import tone, write_wav


def test_they_are_of_the_recording_and_not_of_the_silence_around_it(tmp_path):
    sounds = [tone(440, 0.3), tone(880, 2.0)]
    for number, samples in enumerate(sounds):
        write_wav(tmp_path / f"{number}.wav", samples)
    statistics = mel_statistics(open_source(tmp_path))
    assert statistics.shape == (2, 128)
    for row, samples in zip(statistics, sounds, strict=True):
        own = bk.LogMel(8000)(np.float32(samples)[None]).numpy()[0, ..., 0]
        np.testing.assert_allclose(row, [*own.mean(axis=1), *own.std(axis=1)], atol=2e-3)


def test_images_are_refused():
    with pytest.raises(bk.InputError, match="these are images"):
        mel_statistics(from_arrays(np.zeros((2, 8, 8, 1), np.uint8)))
