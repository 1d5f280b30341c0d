import os
import struct

import numpy as np
import pytest
import soundfile

from byol_keras.data.wav import read_wav, wav_length

from ..sounds import tone, write_wav

SAMPLES = tone(440, 0.1)


@pytest.mark.parametrize("width", [2, 3, 4])
def test_16_24_and_32_bits(tmp_path, width):
    sound = read_wav(write_wav(tmp_path / "a.wav", SAMPLES, width=width), 10)
    assert sound.sample_rate == 8000
    assert sound.samples.dtype == np.float32
    np.testing.assert_allclose(sound.samples, SAMPLES, atol=1.6 * 2.0 ** -(8 * width - 1) + 1e-7)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_U8"])
def test_floats_and_8_bits(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", SAMPLES, 8000, subtype)
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav", 10).samples, SAMPLES, atol=0.01)


def test_channels_become_their_mean(tmp_path):
    stereo = np.stack([SAMPLES, np.zeros_like(SAMPLES)], axis=1)
    path = write_wav(tmp_path / "a.wav", stereo, channels=2)
    assert wav_length(path) == (800, 8000)
    np.testing.assert_allclose(read_wav(path, 10).samples, SAMPLES / 2, atol=1e-4)


def test_of_a_long_one_the_middle_is_read(tmp_path):
    path = write_wav(tmp_path / "a.wav", np.linspace(-1, 1, 1000), rate=1000)
    samples = read_wav(path, 0.2).samples
    np.testing.assert_allclose(samples, np.linspace(-1, 1, 1000)[400:600], atol=1e-4)


def damaged(path, how):
    content = write_wav(path, SAMPLES).read_bytes()
    if how == "cut off":
        content = content[:700]
    elif how == "no samples":
        content = content[:40] + struct.pack("<I", 0)
    elif how == "no sound":
        content = content[:36]
    elif how == "other":
        content = b"<html>" + content
    elif how == "header":
        content = content[:20] + b"\xff\xff" + content[22:]  # a codec that there is not
    elif how == "empty":
        content = b""
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("cut off", "cut off: 656 of 1,600 bytes of sound are there"),
        ("no samples", "it holds no samples"),
        ("no sound", "there is no sound in it"),
        ("other", "not a WAV file"),
        ("header", "not a WAV file that can be read: "),
        ("empty", "the file is empty"),
    ],
)
def test_what_is_broken_is_said(tmp_path, how, reason):
    path = damaged(tmp_path / "a.wav", how)
    for read in (wav_length, lambda path: read_wav(path, 10)):
        with pytest.raises(ValueError, match=reason):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(tmp_path, value):
    samples = np.float32(SAMPLES)
    samples[5] = value
    soundfile.write(tmp_path / "a.wav", samples, 8000, "FLOAT")
    with pytest.raises(ValueError, match="samples that are not finite"):
        read_wav(tmp_path / "a.wav", 10)


def test_what_was_written_to_a_pipe_has_no_length_in_its_header(tmp_path):
    path = write_wav(tmp_path / "a.wav", SAMPLES)
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 4 + content[8:40] + b"\xff" * 4 + content[44:])
    np.testing.assert_allclose(read_wav(path, 10).samples, SAMPLES, atol=1e-4)


def test_chunks_before_the_samples_are_passed_over(tmp_path):
    path = write_wav(tmp_path / "a.wav", SAMPLES)
    content = path.read_bytes()
    more = b"LIST" + struct.pack("<I", 5) + b"12345\0"
    path.write_bytes(content[:36] + more + content[36:])
    np.testing.assert_allclose(read_wav(path, 10).samples, SAMPLES, atol=1e-4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no fifos here")
def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(OSError, match="a fifo, not a file"):
        wav_length(tmp_path / "a.wav")
