"""One image of a group of near duplicates."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Copy:
    """An image, and what helps to decide whether to keep it.

    Attributes:
        position: int, its place in the `Collection`.
        name: str.
        width, height: int, pixels; 0 where the image can no longer be read.
        distance: float, the cosine distance to the first image of its group.
    """

    position: int
    name: str
    width: int
    height: int
    distance: float
