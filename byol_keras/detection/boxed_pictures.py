"""Pictures with the boxes of the objects on them."""

from dataclasses import dataclass

import numpy as np

from ..data.pictures import Pictures


@dataclass(frozen=True, eq=False)
class BoxedPictures:
    """N pictures with their boxes.

    Attributes:
        pictures: `Pictures`, N of them, colour.
        boxes: N arrays (n, 4) float32: left, top, right, bottom in pixels of the picture; n may be 0.
        classes: N arrays (n,) int64, from 0 to C - 1.
        crowd: N arrays (n,) bool. A crowd is a region that is not one object: training leaves it out, scoring neither
            asks for it nor counts a detection on it as wrong.
        class_names: C names.
    """

    pictures: Pictures
    boxes: tuple[np.ndarray, ...]
    classes: tuple[np.ndarray, ...]
    crowd: tuple[np.ndarray, ...]
    class_names: tuple[str, ...]

    def __len__(self):
        return len(self.pictures)

    @property
    def objects(self):
        """int, the number of boxes that are no crowd."""
        return int(sum((~crowd).sum() for crowd in self.crowd))
