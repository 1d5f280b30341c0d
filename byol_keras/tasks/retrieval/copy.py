"""One picture of a group of near duplicates."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Copy:
    """A picture, and what helps to decide whether to keep it.

    Attributes:
        position: int, its place in the `Collection`.
        name: str.
        width, height: int, pixels; 0 where the picture can no longer be read.
        distance: float, the cosine distance to the first picture of its group.
    """

    position: int
    name: str
    width: int
    height: int
    distance: float
