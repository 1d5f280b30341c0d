"""Images with the boxes of the objects on them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ...data.images import ImageSource
from ...errors import InputError
from ...evaluation.label_subsets import random_subset


@dataclass(frozen=True, eq=False)
class DetectionDataset:
    """N images with their boxes.

    Attributes:
        source: `ImageSource`, N of them, color.
        boxes: N arrays (n, 4) float32: left, top, right, bottom in pixels of the image; n may be 0.
        classes: N arrays (n,) int64, from 0 to C - 1.
        crowd: N arrays (n,) bool. A crowd is a region that is not one object: training excludes it, scoring neither
            asks for it nor counts a detection on it as wrong.
        class_names: C names.
    """

    source: ImageSource
    boxes: tuple[np.ndarray, ...]
    classes: tuple[np.ndarray, ...]
    crowd: tuple[np.ndarray, ...]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source)

    @property
    def objects(self) -> int:
        """The number of boxes that are no crowd."""
        return int(sum((~crowd).sum() for crowd in self.crowd))

    def subset(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The images at `indices`, (n,) int, in that order, with their boxes."""
        boxes, classes, crowd = (tuple(part[i] for i in indices) for part in (self.boxes, self.classes, self.crowd))
        return replace(self, source=self.source.subset(indices), boxes=boxes, classes=classes, crowd=crowd)

    def random_share(self, label_fraction: float, seed: int) -> Self:
        """A random share of the images, at least one.

        Args:
            label_fraction: float in (0, 1]; 1 is all of them.
            seed: int.

        Raises:
            InputError: for a fraction that cannot be, or when no object is on the images of the subset.
        """
        chosen = self.subset(random_subset(len(self), label_fraction, seed))
        if not chosen.objects:
            raise InputError(
                f"No object is on the {len(chosen)} images of this subset: raise label_fraction. "
                f"Received: label_fraction={label_fraction}, seed={seed}"
            )
        return chosen
