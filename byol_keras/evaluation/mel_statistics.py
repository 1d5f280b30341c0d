"""What is known of recordings without any encoder: how loud each band is, and how much that varies."""

import numpy as np

from ..data.images import ImageSource
from ..errors import InputError


def mel_statistics(source: ImageSource) -> np.ndarray:
    """Mean and standard deviation of each band over a recording's own frames, to measure encoders by.

    Args:
        source: `ImageSource` of recordings, N of them.

    Returns:
        (N, 128) float32: 64 means and 64 standard deviations, of the spectrograms in [0, 1].

    Raises:
        InputError: for images.
    """
    if source.sample_rate is None:
        raise InputError("Mel statistics are of recordings, and these are images.")
    middle = source.images.shape[2] // 2
    rows = []
    for columns, frames in zip(source.images[..., 0], source.sizes[:, 1], strict=True):
        # Where `data.recordings` lays them: the array is even, and a recording may be longer than what is held of it.
        start = max(0, middle - (int(frames) + 1) // 2)
        own = np.float32(columns[:, start : start + int(frames)]) / 65535
        rows.append(np.concatenate([own.mean(axis=1), own.std(axis=1)]))
    return np.stack(rows)
