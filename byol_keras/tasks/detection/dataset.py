"""Pictures with the boxes of the objects on them."""

from dataclasses import dataclass, replace

import numpy as np

from ...data.images import Pictures
from ...errors import InputError
from ...evaluation.label_subsets import random_share


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

    def subset(self, indices):
        """The pictures at `indices`, (n,) int, in that order, with their boxes."""
        boxes, classes, crowd = (tuple(part[i] for i in indices) for part in (self.boxes, self.classes, self.crowd))
        return replace(self, pictures=self.pictures.subset(indices), boxes=boxes, classes=classes, crowd=crowd)

    def share(self, fraction, seed):
        """A random share of the pictures, at least one.

        Args:
            fraction: float in (0, 1]; 1 is all of them.
            seed: int.

        Raises:
            InputError: for a fraction that cannot be, or when no object is on the pictures drawn.
        """
        drawn = self.subset(random_share(len(self), fraction, seed))
        if not drawn.objects:
            raise InputError(f"No object is on the {len(drawn)} pictures drawn: raise --label-fraction.")
        return drawn
