"""How many channels the images of a source are read with: gray as color, and colors as gray."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.printable import printable
from .images import ImageSource
from .rgb import luma


def is_all_gray(source: ImageSource) -> bool:
    """Whether every image is stored without colors; False where that is not known."""
    return source.channels == 1 if source.gray is None else bool(source.gray.all())


def fitting_channels(source: ImageSource) -> int:
    """1 where every image is gray, else as many as they have."""
    return 1 if is_all_gray(source) else source.channels


def one_number_of_channels(channels: np.ndarray, names: Sequence[str]) -> int:
    """As many channels as all rasters of a source have: what their channels are nobody says, so none is made of others.

    Args:
        channels: (N,) int, N from 1.
        names: N texts, for the message.

    Raises:
        InputError: where they differ, with an example of each number.
    """
    counts, first, many = np.unique(channels, return_index=True, return_counts=True)
    if len(counts) > 1:
        of = [f"{c} in {n:,} ({printable(names[i])})" for c, i, n in zip(counts, first, many, strict=True)]
        raise InputError(
            f"The images differ in their channels: {', '.join(of[:5])}{', ...' if len(of) > 5 else ''}. Put those of "
            "each kind in a folder of their own."
        )
    return int(counts[0])


def with_channels(source: ImageSource, channels: int) -> ImageSource:
    """The same images with another number of channels; nothing is read for it.

    Gray ones become three equal channels, colors their luma, see `decode.decode`. Of pixels in memory a copy is made.

    Args:
        source: N images.
        channels: 1 or 3, or as many as they have.

    Returns:
        ImageSource.

    Raises:
        InputError: where the images cannot have as many.

    Example:
        source = with_channels(bk.data.open_source("photos"), 1)
    """
    if source.channels == channels:
        return source
    if {source.channels, channels} != {1, 3}:
        raise InputError(
            f"Images of {channels} channels are needed (1 gray, 3 color), these have {source.channels}: only gray can "
            "be read as color, and color as gray."
        )
    return dataclasses.replace(source, images=_pixels(source.images, channels), decoded_channels=channels)


def _pixels(images, channels):
    if images is None:
        return None
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    gray = np.empty((*images.shape[:-1], 1), images.dtype)
    for target, image in zip(gray, images, strict=True):
        target[...] = luma(image)
    return gray
