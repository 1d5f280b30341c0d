import numpy as np

from byol_keras.augment.frames import cut_frames, middle_frames

SPECTROGRAMS = np.arange(1, 25, dtype=np.uint8).reshape(2, 2, 6, 1)


def test_columns_are_cut_and_silence_is_around():
    cut = cut_frames(SPECTROGRAMS, [-1, 4], 4).numpy()
    assert cut.dtype == np.uint8
    np.testing.assert_array_equal(cut[0, :, :, 0], [[0, 1, 2, 3], [0, 7, 8, 9]])
    np.testing.assert_array_equal(cut[1, :, :, 0], [[17, 18, 0, 0], [23, 24, 0, 0]])


def test_the_middle_is_heard():
    np.testing.assert_allclose(middle_frames(SPECTROGRAMS, 2)[0, 0, :, 0] * 255, [3, 4], rtol=1e-6)
    np.testing.assert_allclose(middle_frames(SPECTROGRAMS, 8)[0, 0, :, 0] * 255, [0, 1, 2, 3, 4, 5, 6, 0], rtol=1e-6)
