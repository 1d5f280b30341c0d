"""Recordings for tests: .wav files of tones, written by the standard library."""

import wave
from pathlib import Path

import numpy as np


def tone(hertz, seconds, rate=8000, amplitude=0.5, noise=0.01, seed=0):
    """A sine in a little noise: (n,) float64 in [-1, 1]."""
    times = np.arange(round(seconds * rate)) / rate
    return amplitude * np.sin(2 * np.pi * hertz * times) + np.random.default_rng(seed).normal(0, noise, len(times))


def write_wav(path, samples, rate=8000, channels=1, width=2):
    """Samples (n,), or (n, channels), in [-1, 1], as integers of `width` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.rint(np.clip(samples, -1, 1) * (2 ** (8 * width - 1) - 1)).astype("<i4")
    data = levels.reshape(-1, 1).view(np.uint8)[:, :width].tobytes()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


def write_tones(folder: Path, per_class: int, classes=(300, 900, 2000), seed=0, rate=8000):
    """Folders of tones, one a class: `per_class` each of 0.2 to 0.6 s, their pitch within a tenth of the class's."""
    rng = np.random.default_rng(seed)
    for hertz in classes:
        for number in range(per_class):
            samples = tone(
                hertz * rng.uniform(0.9, 1.1), rng.uniform(0.2, 0.6), rate, rng.uniform(0.1, 0.8), seed=number
            )
            write_wav(folder / f"{hertz}Hz" / f"{number}.wav", samples, rate)
    return folder
