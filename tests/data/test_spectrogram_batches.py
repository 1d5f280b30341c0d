import numpy as np
import pytest

import byol_keras as bk
from byol_keras.data.batch_order import batch_indices
from byol_keras.data.images import ImageSource
from byol_keras.data.spectrogram_batches import labeled_inputs, spectrogram_batches


def source_of(*lengths, total):
    """Recordings whose columns are numbered from 1 on, in the middle of silence; with labels."""
    images = np.zeros((len(lengths), 64, total, 1), np.uint16)
    for image, length in zip(images, lengths, strict=True):
        start = total // 2 - (length + 1) // 2
        image[:, start : start + length, 0] = np.arange(1, length + 1)
    return ImageSource(
        names=[str(i) for i in range(len(lengths))],
        sizes=np.array([(64, length) for length in lengths], np.int32),
        labels=np.arange(len(lengths)),
        images=images,
        sample_rate=8000,
    )


def test_parts_of_a_longer_one_begin_anywhere_in_it():
    parts = np.concatenate(list(spectrogram_batches(source_of(15, 15, total=20), 10, 2, 100, 0).as_numpy_iterator()))
    assert parts.shape == (200, 64, 10, 1)
    assert parts.dtype == np.uint16
    starts = parts[:, 0, 0, 0]
    assert set(starts) == set(range(1, 7))
    np.testing.assert_array_equal(parts[:, 5, :, 0], starts[:, None] + np.arange(10))


@pytest.mark.parametrize("total", [10, 20])
def test_a_shorter_one_lies_anywhere_in_silence(total):
    parts = np.concatenate(list(spectrogram_batches(source_of(7, 7, total=total), 10, 2, 50, 0).as_numpy_iterator()))
    columns = parts[:, 0, :, 0]
    assert set(columns.argmax(axis=1)) == {6, 7, 8, 9}
    assert (columns.sum(axis=1) == 28).all()  # all of it is there


def test_a_batch_follows_from_the_seed_and_the_step():
    source = source_of(*range(5, 25), total=30)
    whole = [*spectrogram_batches(source, 10, 4, 8, 3).as_numpy_iterator()]
    rest = [*spectrogram_batches(source, 10, 4, 8, 3, first_step=5).as_numpy_iterator()]
    np.testing.assert_array_equal(whole[5:], rest)
    assert np.any(whole[0] != next(spectrogram_batches(source, 10, 4, 8, 4).as_numpy_iterator()))


def test_labels_come_with_their_recordings():
    source = source_of(*range(5, 25), total=30)
    batches = labeled_inputs(source, (64, 10), 4, 6, 1)
    for step, (parts, labels) in enumerate(batches.as_numpy_iterator()):
        assert parts.shape == (4, 64, 10, 1)
        assert parts.dtype == np.float32
        np.testing.assert_array_equal(labels, batch_indices(source, 4, 1, step))
        # A recording of n columns has them numbered up to n, and was given n - 5 as its label.
        assert (np.rint(65535 * parts.max(axis=(1, 2, 3))) <= labels + 5).all()


def test_fewer_recordings_than_a_batch_are_refused():
    with pytest.raises(bk.InputError, match="batch_size"):
        spectrogram_batches(source_of(5, 6, total=10), 10, 3, 1, 0)
