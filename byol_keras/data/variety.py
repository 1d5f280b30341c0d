"""Whether images differ enough to learn anything from them."""

import hashlib

import numpy as np

from ..errors import InputError

# Levels of 256 that alike images may differ by: one of rounding, and what resizing makes of it.
ROUNDING = 1.5


class Variety:
    """How much the images of a source differ, found out a batch at a time while they are read for something else.

    Costs two images and a digest of each. Where no pixel differs by more than rounding between any two images (copies
    of one file, frames of a camera under its cap, one flat color), an encoder has nothing to tell apart. BYOL would
    train on them all the same, and its loss and projections would look healthy.

    Example:
        variety = Variety()
        for batch in ordered_batches(source, image_size):
            variety.add(batch)
        variety.require("photos")
    """

    def __init__(self) -> None:
        self._low = self._high = None
        self._count, self._kinds = 0, set()

    def add(self, images: np.ndarray) -> None:
        """Takes note of some images.

        Args:
            images: (B, H, W, C) float in [0, 1], of one size in all calls.
        """
        images = np.asarray(images, np.float32)
        low, high = images.min(axis=0), images.max(axis=0)
        self._low = low if self._low is None else np.minimum(self._low, low)
        self._high = high if self._high is None else np.maximum(self._high, high)
        self._count += len(images)
        for image in np.rint(images * 255).astype(np.uint8):
            self._kinds.add(hashlib.blake2b(image.tobytes(), digest_size=16).digest())

    @property
    def range(self) -> float:
        """The largest difference of a pixel between two images, in levels of 256."""
        return 0.0 if self._low is None else float((self._high - self._low).max()) * 255

    def require(self, where: str) -> None:
        """Refuses images that are all alike.

        Args:
            where: what names the source.

        Raises:
            InputError: for two images or more of which no pixel differs by more than ROUNDING levels.
        """
        if self._count > 1 and self.range <= ROUNDING:
            differing = (
                f"no pixel differs by more than {self.range:.2g} of 255 levels" if self.range else "pixel for pixel"
            )
            flat = float(np.ptp(self._low, axis=(0, 1)).max()) * 255 <= ROUNDING
            what = ", and each is of one flat color" if flat else ""
            raise InputError(
                f"{where}: all {self._count:,} images looked at are alike: {differing}{what}. There is nothing to "
                "learn from them: give images that differ."
            )

    def report(self) -> str:
        """One line where fewer than half of the images looked at are different ones; else ""."""
        if len(self._kinds) * 2 >= self._count:
            return ""
        return (
            f"only {len(self._kinds):,} of the {self._count:,} images looked at differ, the others are copies of them: "
            "little can be learned beyond what these show"
        )
