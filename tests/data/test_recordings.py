import shutil

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.data.open import open_files, open_source
from byol_keras.data.recordings import from_recordings, with_rate

from ..sounds import tone, write_tones, write_wav


def spectrogram(samples, rate=8000):
    samples = np.pad(samples, (0, -len(samples) % round(rate / 100)))
    return bk.LogMel(rate)(np.float32(samples)[None]).numpy()[0]


def middle(source, index):
    """The held part of a recording, without the silence around it."""
    frames, half = int(source.sizes[index, 1]), source.images.shape[2] // 2
    start = half - (frames + 1) // 2
    return source.images[index][:, start : start + frames] / 65535


def test_a_folder_of_recordings_is_a_source_of_spectrograms(tmp_path):
    write_wav(tmp_path / "b" / "2.wav", tone(900, 0.31))
    write_wav(tmp_path / "a" / "deep" / "1.wav", tone(300, 0.5))
    source = open_source(tmp_path)
    assert list(source.names) == ["a/deep/1.wav", "b/2.wav"]
    assert source.class_names == ("a", "b")
    assert source.labels.tolist() == [0, 1]
    assert source.sample_rate == 8000
    assert source.images.dtype == np.uint16
    assert source.images.shape == (2, 64, 96, 1)
    assert source.sizes.tolist() == [[64, 50], [64, 31]]
    for index, samples in enumerate((tone(300, 0.5), tone(900, 0.31))):
        np.testing.assert_allclose(middle(source, index), spectrogram(samples), atol=2e-3)  # of 16 bits
    assert source.images[1].any(axis=(0, 2)).sum() == 31 + 2 * 3  # and what windows reach of it; else silence
    assert [path.rsplit("/", 1)[1] for path in source.paths] == ["1.wav", "2.wav"]


def test_images_beside_recordings_are_a_folder_of_images(tmp_path):
    from PIL import Image

    write_wav(tmp_path / "a.wav", tone(300, 0.1))
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    assert list(open_source(tmp_path).names) == ["b.png"]


@pytest.mark.parametrize("seconds", [0.3, 0.305, 1.2, 1.214])
def test_the_middle_of_a_recording_does_not_depend_on_the_others(tmp_path, seconds):
    write_wav(tmp_path / "one" / "a.wav", tone(300, seconds))
    write_wav(tmp_path / "two" / "a.wav", tone(300, seconds))
    write_wav(tmp_path / "two" / "b.wav", tone(300, 2.03))
    one, two = open_source(tmp_path / "one"), open_source(tmp_path / "two")
    assert one.images.shape[2] < two.images.shape[2]
    parts = [source.images[0, :, source.images.shape[2] // 2 - 48 :][:, :96] for source in (one, two)]
    np.testing.assert_array_equal(*parts)


def test_what_is_of_another_rate_is_resampled_and_said(tmp_path, capsys):
    for number in range(2):
        write_wav(tmp_path / f"{number}.wav", tone(440, 0.4, noise=0))
    write_wav(tmp_path / "x.wav", tone(440, 0.4, rate=44100, noise=0), rate=44100)
    source = open_source(tmp_path)
    assert source.sample_rate == 8000
    assert "1 of 3 recordings are resampled to 8,000 Hz: 1 of 44,100 Hz" in capsys.readouterr().err
    # The tone itself; below it is rounding to 16 bits, which differs.
    expected, given = middle(source, 0)[:, 5:-5], middle(source, 2)[:, 5:-5]
    assert np.abs(expected - given)[expected > 0.6].max() < 0.01


def test_the_rate_is_the_commonest_and_at_most_16_khz(tmp_path):
    write_wav(tmp_path / "a.wav", tone(440, 0.2, rate=44100), rate=44100)
    assert open_source(tmp_path).sample_rate == 16000
    assert from_recordings(tmp_path, sample_rate=8000).sample_rate == 8000


def test_a_source_is_read_again_at_another_rate(tmp_path):
    write_tones(tmp_path, 2, (300, 900))
    source = open_source(tmp_path)
    some = source.subset([3, 0])
    other = with_rate(some, 16000)
    assert other.sample_rate == 16000
    assert list(other.names) == ["900Hz/1.wav", "300Hz/0.wav"]
    assert other.labels.tolist() == [1, 0]
    assert with_rate(some, 8000) is some
    shutil.rmtree(tmp_path / "300Hz")
    with pytest.raises(bk.InputError, match=r"1 recordings can no longer be read: 300Hz/0\.wav"):
        with_rate(some, 16000)


def test_what_is_broken_is_named_and_excluded(tmp_path, capsys):
    write_tones(tmp_path, 10, (300, 900))
    (tmp_path / "300Hz" / "0.wav").write_bytes(b"")
    content = (tmp_path / "300Hz" / "1.wav").read_bytes()
    (tmp_path / "300Hz" / "1.wav").write_bytes(content[: len(content) // 2])
    source = open_source(tmp_path)
    assert len(source) == 18
    assert source.labels.tolist() == [0] * 8 + [1] * 10
    assert [name for name, _ in source.broken] == ["300Hz/0.wav", "300Hz/1.wav"]
    said = capsys.readouterr().err
    assert "2 of 20 recordings cannot be read and are excluded: 300Hz/0.wav (the file is empty); 300Hz/1.wav" in said


def test_too_many_broken_ones_are_refused(tmp_path):
    write_tones(tmp_path, 4, (300,))
    for name in "01":
        (tmp_path / "300Hz" / f"{name}.wav").write_bytes(b"")
    with pytest.raises(bk.InputError, match=r"2 of 4 recordings cannot be read: 300Hz/0\.wav"):
        open_source(tmp_path)


def test_a_folder_without_any_that_can_be_read_is_refused(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"nothing")
    with pytest.raises(bk.InputError, match=r"1 of 1 recordings cannot be read: a.wav \(not a WAV file\)"):
        open_source(tmp_path)


def test_of_long_ones_ten_seconds_are_held_and_that_is_said(tmp_path, capsys):
    write_wav(tmp_path / "a.wav", tone(440, 10.5))
    source = open_source(tmp_path)
    assert source.images.shape == (1, 64, 1000, 1)
    assert "1 of 1 recordings are longer than 10 s: their middle is used" in capsys.readouterr().err


def test_less_memory_holds_less_of_each(tmp_path):
    write_wav(tmp_path / "a.wav", tone(440, 3))
    assert from_recordings(tmp_path, memory_budget=2 * 64 * 200).images.shape[2] == 200
    assert from_recordings(tmp_path, memory_budget=0).images.shape[2] == 96


def test_a_rate_too_low_for_so_many_bands_is_refused(tmp_path):
    write_wav(tmp_path / "a.wav", tone(100, 0.5, rate=1000), rate=1000)
    with pytest.raises(bk.InputError, match="sample_rate=1000"):
        open_source(tmp_path)


def test_single_files_are_opened(tmp_path):
    write_wav(tmp_path / "a.wav", tone(440, 0.2))
    source = open_files([tmp_path / "a.wav"])
    assert source.sample_rate == 8000
    assert source.labels is None


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(bk.InputError, match="No such folder"):
        from_recordings(tmp_path / "none")
    with pytest.raises(bk.InputError, match="No recordings in"):
        from_recordings(tmp_path)


def test_a_value_range_is_for_images(tmp_path):
    write_tones(tmp_path, per_class=1)
    with pytest.raises(bk.InputError, match="A value range is for a folder of"):
        open_source(tmp_path, value_range=(0, 4095))
