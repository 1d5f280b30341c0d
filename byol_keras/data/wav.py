"""One .wav file: what its header says, and its samples as one channel."""

import os
import struct
from typing import BinaryIO, NamedTuple

import numpy as np

from ..utils.regular_file import open_regular

# A program that writes to a pipe cannot know how long it will get.
UNKNOWN_LENGTH = 0xFFFFFFFF


class Sound(NamedTuple):
    """The samples of a file, or of its middle: (n,) float32 in [-1, 1], and how many there are in a second."""

    samples: np.ndarray
    sample_rate: int


def wav_length(path: str | os.PathLike) -> tuple[int, int]:
    """How many samples a .wav file has in a channel, and how many there are in a second, by its header.

    Raises:
        OSError, ValueError: for a file that is none, or holds nothing; the message says what is the matter.
    """
    with open_regular(path) as file, _opened(file) as sound:
        return sound.frames, sound.samplerate


def read_wav(path: str | os.PathLike, seconds: float) -> Sound:
    """The middle of a .wav file, of 8 to 32 bits or float; channels become their mean.

    Args:
        path: of the file.
        seconds: that are read at most.

    Raises:
        OSError, ValueError: as `wav_length`, and where samples are missing or not finite.
    """
    with open_regular(path) as file, _opened(file) as sound:
        wanted = min(sound.frames, round(seconds * sound.samplerate))
        sound.seek((sound.frames - wanted) // 2)
        samples = sound.read(wanted, dtype="float32", always_2d=True)
        if len(samples) < wanted:
            raise ValueError(f"cut off: {len(samples):,} of {wanted:,} samples can be read")
        if not np.isfinite(samples).all():
            raise ValueError("it holds samples that are not finite")
        return Sound(samples.mean(axis=1), sound.samplerate)


def _opened(file):
    # Imported when it is needed: it comes with an extra.
    import soundfile

    _require_whole(file)
    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not a WAV file that can be read: {error.error_string}") from error
    if sound.frames < 1:
        sound.close()
        raise ValueError("it holds no samples")
    return sound


def _require_whole(file: BinaryIO) -> None:
    """Raises ValueError where a RIFF file ends before its samples do, which libsndfile passes over in silence."""
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise ValueError("the file is empty")
    kind, _, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
    if kind in (b"RF64", b"BW64", b"RIFX"):
        return  # other headers, which libsndfile reads
    if (kind, form) != (b"RIFF", b"WAVE"):
        raise ValueError("not a WAV file")
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        there = size - file.tell()
        if name == b"data":
            if length not in (0, UNKNOWN_LENGTH) and there < length:
                raise ValueError(f"cut off: {there:,} of {length:,} bytes of sound are there")
            return
        file.seek(length + length % 2, os.SEEK_CUR)
    raise ValueError("there is no sound in it")
