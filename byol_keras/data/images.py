"""The one form in which every source hands on its images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..utils.texts import Texts
from .encoded import EncodedImages
from .rasters.raster_reading import RasterReading

MAX_LABEL = 10_000_000  # whoever counts classes goes up to the highest of them


@dataclass(frozen=True, eq=False)
class ImageSource:
    """N images, N at least 1, in a fixed order; with their labels where the source has some.

    The pixels are in `images` when all images have one size and fit in memory. Otherwise they are still encoded, in
    the files `paths` or behind `encoded`, and decode to `decoded_channels`. See `channels.with_channels` for others.

    Attributes:
        names: N texts: the path below the folder, with forward slashes, or the index. These and `paths` are `Texts`,
            whatever sequence was given.
        labels: (N,) int64, from 0 to MAX_LABEL, or None.
        class_names: the name of each label, or None.
        images: (N, H, W, C) uint8 or uint16, or None. C is 1 (gray), 3 (RGB), or of arrays and rasters any other.
        paths: N absolute paths, or None where the images do not come from files.
        encoded: `EncodedImages`, N of them, in memory or read from where they lie; or None.
        jpeg: (N,) bool, True where TensorFlow's JPEG op can decode the image: a gray or RGB JPEG; or None where there
            is nothing to decode.
        orientations: (N,) int32, how each image is stored, from 1 (upright) to 8 as EXIF counts, for who decodes it
            with that op, which does not turn it; or None likewise. All else is about the upright images.
        gray: (N,) bool, True where an image is stored without colors, see `rgb.is_gray`; or None: unknown.
        decoded_channels: of what is decoded: 1 gray, 3 RGB, or of rasters any other.
        reading: how they are decoded to uint16, where they are rasters (.npy, TIFF, DICOM, PNG in all its bits); or
            None: as 8 bits, gray or RGB, by `decode.decode`.
        value_range: (low, high), the numbers that are 0 and 1 of `images`, of arrays that were given one; or None.
        sizes: (N, 2) int32, height and width in pixels.
        broken: (name, reason) of each file that was excluded because it cannot be decoded.
        sample_rate: of recordings, whose log-mel spectrograms `images` are: samples per second; None of images.

    Example:
        source = bk.data.open_source("photos")
        cats = source.subset(source.labels == source.class_names.index("cat"))
        print(len(cats), cats.names[0], cats.sizes[0])
    """

    names: Sequence[str]
    sizes: np.ndarray
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    images: np.ndarray | None = None
    paths: Sequence[str] | None = None
    encoded: EncodedImages | None = None
    jpeg: np.ndarray | None = None
    orientations: np.ndarray | None = None
    gray: np.ndarray | None = None
    decoded_channels: int = 3
    reading: RasterReading | None = None
    value_range: tuple[float, float] | None = None
    broken: tuple[tuple[str, str], ...] = ()
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        for field in ("names", "paths"):
            if (texts := getattr(self, field)) is not None:
                object.__setattr__(self, field, Texts.of(texts))

    def __len__(self) -> int:
        return len(self.names)

    @property
    def channels(self) -> int:
        """C: 1 or 3, or of arrays and rasters any other."""
        return self.decoded_channels if self.images is None else self.images.shape[-1]

    def subset(self, indices: Sequence[int] | np.ndarray | slice) -> "ImageSource":
        """The images at `indices`, in that order.

        Args:
            indices: whatever indexes an array (N,): whole numbers, a boolean mask, a slice.

        Returns:
            ImageSource: `class_names` as here, so that labels keep their meaning; `broken` empty.
        """
        indices = rows = np.arange(len(self))[indices]
        if len(indices) and np.array_equal(indices, np.arange(indices[0], indices[0] + len(indices))):
            rows = slice(indices[0], indices[0] + len(indices))  # of pixels in memory no copy is made

        fields = ("names", "sizes", "labels", "images", "paths", "encoded", "jpeg", "orientations", "gray")
        chosen = {field: None if (values := getattr(self, field)) is None else values[rows] for field in fields}
        return replace(self, **chosen, broken=())


def evenly(total: int, count: int) -> np.ndarray:
    """At most `count` evenly spaced indices of `total`, the first and the last among them: (n,) int."""
    return np.linspace(0, total - 1, min(count, total)).astype(int)


def shorter_side(source: ImageSource) -> float:
    """The median of the images' shorter sides, in pixels: what a few images of another size do not decide."""
    return float(np.median(source.sizes.min(axis=1)))
