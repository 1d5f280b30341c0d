"""Whether the pixels of all images of a source can be held in memory."""

import math
from collections.abc import Callable

import numpy as np

from .check_cache import VALID
from .decode import Check


def shape_to_hold(check: Callable[[int], Check], found: np.ndarray, budget: int) -> tuple[int, int, int] | None:
    """The shape in which the pixels of all images can be held.

    Args:
        check: of an image by its index.
        found: (N,) `check_cache.FOUND`, what is known of them already.
        budget: int, of values.

    Returns:
        (H, W, C) of the first image that decodes, when all of them in that shape would fit; else None.
    """

    def shapes():
        for index, known in enumerate(found):
            if not known["checked"]:
                result = check(index)
                if result.reason is None:
                    yield *result.size, result.channels
            elif known["reason"] == VALID:
                yield *known["size"].tolist(), int(known["channels"])

    shape = next(shapes(), None)
    if shape is None or len(found) * math.prod(shape) > budget:
        return None
    known = found[found["checked"] & (found["reason"] == VALID)]
    is_one = (known["size"] == shape[:2]).all() and (known["channels"] == shape[2]).all()
    return shape if is_one else None
