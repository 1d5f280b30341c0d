"""The range of the values of images: which numbers are 0 and 1 to an encoder."""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError


def checked_range(value_range: Sequence[float]) -> tuple[float, float]:
    """The two numbers of a range, as they may come from a file or a command line.

    Raises:
        InputError: unless they are two, finite, and the lower one comes first.
    """
    ends = np.asarray(value_range)
    if not (ends.shape == (2,) and ends.dtype.kind in "iuf" and np.isfinite(ends).all() and ends[0] < ends[1]):
        received = f"{ends.tolist()!s:.80}"
        raise InputError(f"value_range must be two numbers, the lower one first. Received: value_range={received}")
    return float(ends[0]), float(ends[1])


def own_range(dtype: np.dtype, bits: int | None = None) -> tuple[float, float] | None:
    """What is 0 and 1 in numbers of which nobody said more: of 8 and 16 bits without a sign all of their levels.

    Args:
        dtype: of the numbers.
        bits: how many of theirs are used; None for all.

    Returns:
        The two ends; None for other types, whose range has to be stated.
    """
    if dtype.kind != "u" or dtype.itemsize > 2:
        return None
    return 0.0, float(2 ** (8 * dtype.itemsize if bits is None else bits) - 1)


def to_levels(values: np.ndarray, value_range: tuple[float, float], out: np.ndarray) -> None:
    """The values of an image as all levels of an integer type, from the range's low end to its high end, rounded.

    Args:
        values: (H, W, C) numbers within the range.
        value_range: its two ends, of which the first becomes 0, and the last the highest level.
        out: (H, W, C) of an unsigned integer type, which is written.
    """
    zero, one = value_range
    # Half precision ends at 65504, and int8 minus a low end below 0 may not fit in it.
    out[...] = np.rint((np.float64(values) - zero) * (np.iinfo(out.dtype).max / (one - zero)))
