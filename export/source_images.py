"""Images of a source as an encoder gets them."""

import os
from collections.abc import Sequence

import numpy as np

from byol_keras.data import open_source
from byol_keras.data.channels import with_channels
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.images import ImageSource, evenly
from byol_keras.data.lost_files import naming_lost_files


def open_for_encoder(data: str | os.PathLike, channels: int, value_range: Sequence[float] | None = None) -> ImageSource:
    """The images that `data` names, with as many channels as an encoder takes, see `with_channels`.

    Args:
        data: a folder or another name of data, see `byol_keras.data.open_source`.
        channels: of the encoder's images.
        value_range: of the encoder's run, see `byol_keras.data.open_source`.

    Raises:
        InputError: if there are none, or if they cannot have as many channels.
    """
    return with_channels(open_source(data, value_range=value_range), channels)


def sample_images(source: ImageSource, image_size: int, count: int) -> np.ndarray:
    """At most `count` images of a source, evenly chosen, as an encoder gets them.

    Args:
        source: the images.
        image_size: S.
        count: from 1.

    Returns:
        (n, S, S, C) uint8.
    """
    return square_images(source.subset(evenly(len(source), count)), image_size)


def square_images(source: ImageSource, image_size: int) -> np.ndarray:
    """All images of a source as an encoder gets them.

    Args:
        source: N images.
        image_size: S.

    Returns:
        (N, S, S, C) uint8.
    """
    batches = ordered_batches(source, image_size)
    with naming_lost_files(source):
        return np.concatenate([np.round(np.asarray(batch) * 255).astype(np.uint8) for batch in batches])
