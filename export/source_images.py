"""Images of a source as an encoder gets them."""

import os

import numpy as np

from byol_keras.data import open_source
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.images import ImageSource, evenly
from byol_keras.errors import InputError


def open_for_encoder(data: str | os.PathLike, channels: int, argument: str) -> ImageSource:
    """The images that `data` names.

    Args:
        data: a folder or another name of data, see `byol_keras.data.open_source`.
        channels: of the encoder's images.
        argument: by which the caller was given `data`, for the message.

    Raises:
        InputError: if there are none, or if they have another number of channels.
    """
    source = open_source(data)
    check_channels(source, data, channels, argument)
    return source


def check_channels(source: ImageSource, data: str | os.PathLike, channels: int, argument: str) -> None:
    """Raises InputError unless the images of a source have as many channels as an encoder takes.

    Args:
        source: the opened images.
        data: where they come from, for the message.
        channels: of the encoder's images.
        argument: by which the caller was given `data`, for the message.
    """
    if source.channels != channels:
        raise InputError(
            f"The encoder takes images with {channels} channels (1 gray, 3 color). "
            f"Received: {argument}={data} with {source.channels}"
        )


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
    return np.concatenate([np.round(np.asarray(batch) * 255).astype(np.uint8) for batch in batches])
