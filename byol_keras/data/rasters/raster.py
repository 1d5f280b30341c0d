"""An image of any channels and depth in a file whose beginning has been read."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..value_range import own_range


class Raster(NamedTuple):
    """What a file says of its image, and how to get it.

    Attributes:
        shape: (H, W, C), as it is stored.
        dtype: of its numbers.
        load: gives them, (H, W, C), upright.
        own_range: the numbers that are 0 and 1 where nobody states others; None where they have to be stated.
        is_inverted: whether the lowest number is white, and so 1.
        unstated: why they have to be stated.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    load: Callable[[], np.ndarray]
    own_range: tuple[float, float] | None
    is_inverted: bool = False
    unstated: str = ""


def raster_of(
    shape: tuple[int, ...], dtype: np.dtype, load: Callable[[], np.ndarray], bits: int | None = None
) -> Raster:
    """The raster of an array in a file.

    Args:
        shape: (H, W) or (H, W, C).
        dtype: of its numbers.
        load: gives them; where the file says that the image is turned, upright.
        bits: how many of theirs are used, None for all.

    Raises:
        ValueError: for another shape or a type that is no number, with the reason.
    """
    if len(shape) not in (2, 3):
        raise ValueError(f"an array of shape {shape}, and an image is (H, W) or (H, W, C)")
    if 0 in shape:
        raise ValueError(f"an empty array of shape {shape}")
    if len(shape) == 3 and shape[0] < 16 <= min(shape[1:]):
        raise ValueError(f"an array of shape {shape}: the channels must be the last axis")
    if dtype.kind not in "uif":
        raise ValueError(f"values of type {dtype}, which are no numbers of an image")
    height, width, channels = (*shape, 1)[:3]
    if channels > np.iinfo(np.uint16).max:
        raise ValueError(f"{channels:,} channels")

    def as_image():
        values = load()
        return values[..., None] if values.ndim == 2 else values

    unstated = f"values of type {dtype}, of which nobody knows what is black and white: state their `value_range`"
    return Raster((height, width, channels), dtype, as_image, own_range(dtype, bits), unstated=unstated)
