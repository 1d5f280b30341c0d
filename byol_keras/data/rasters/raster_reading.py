"""How the files of a source are read that are rasters: images of any channels and depth."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from ...errors import InputError
from ...utils.extras import require_extra
from ...utils.printable import printable
from ..decode import Check, check_of, decode_budget, opened_file, pixel_limit, reason_of
from ..rgb import LOW_RANGE, luma
from ..value_range import to_levels
from . import dicom_file, npy_file, png_file, tiff_file
from .dicom_file import dicom_raster
from .npy_file import npy_raster
from .png_file import png_raster
from .raster import Raster
from .tiff_file import tiff_raster

# What is read as a raster in any case; and .png files, where a range is stated.
SUFFIXES = (".npy", ".tif", ".tiff", ".dcm")
PNG_SUFFIX = ".png"

_MODULES = {(".tif", ".tiff"): ("TIFF images", "tifffile", "imagecodecs"), (".dcm",): ("DICOM images", "pydicom")}
# As many values as an image of four channels may have that has as many pixels as one may have.
_CHANNELS = 4
# What is held for each value beside what is decoded: twice that, as float64, and as the levels.
_BYTES = 8 + 2


@dataclasses.dataclass(frozen=True)
class RasterReading:
    """Reads rasters, .npy, TIFF, DICOM and PNG, as uint16: 0 and 65535 are what the encoder gets as 0 and 1.

    Attributes:
        value_range: the numbers that these are, the same for all images that one encoder is to see; None for those of
            each file: 0 and 255 of 8 bits, 0 and 65535 of 16, and see `dicom_raster`.
        channels: that all files have; None where that is not known yet.
    """

    value_range: tuple[float, float] | None = None
    channels: int | None = None

    def check(self, source: bytes | str | os.PathLike, held_size: tuple[int, int] | None = None) -> Check:
        """Decodes an image to see whether that works, as `decode.check` does.

        Args:
            source: the encoded image as bytes, or the path of a file.
            held_size: (height, width) or None. The pixels are given back only of an image of this size.

        Returns:
            Check; `pixels` is (H, W, C) uint16 or None.
        """

        def found():
            levels, low_range = self._levels(source)
            size, channels = levels.shape[:2], levels.shape[2]
            pixels = levels if size == held_size else None
            return Check(size, pixels=pixels, low_range=low_range, gray=channels == 1, channels=channels)

        return check_of(source, found)

    def decode(self, source: bytes | str | os.PathLike, channels: int | None = None) -> np.ndarray:
        """Decodes an image.

        Args:
            source: as for `check`.
            channels: of an image of 1 or 3, 3 or 1: gray becomes three equal channels, RGB its luma; None for as many
                as it has.

        Returns:
            (H, W, channels) uint16.

        Raises:
            InputError: when it cannot be decoded, or has others.
        """
        try:
            levels, _ = self._levels(source)
            if channels in (None, levels.shape[2]):
                return levels
            if {channels, levels.shape[2]} != {1, 3}:
                raise ValueError(f"{levels.shape[2]} channels, and not {channels}")
            return luma(levels) if channels == 1 else np.repeat(levels, 3, axis=2)
        except Exception as error:  # On a malformed file the readers raise nearly anything.
            name = f"{len(source)} bytes" if isinstance(source, bytes) else printable(source)
            raise InputError(f"Cannot decode {name}: {reason_of(error)}") from error

    def _levels(self, source):
        """(H, W, C) uint16, upright; and whether they are 16 bits of which hardly any of the high ones is used."""
        with contextlib.closing(opened_file(source)) as file:
            raster = _opened(file)
            height, width, channels = raster.shape
            if height * width > pixel_limit() or height * width * channels > _CHANNELS * pixel_limit():
                raise ValueError(f"{height:,} x {width:,} pixels of {channels:,} channels: make it smaller")
            if self.channels not in (None, channels):
                raise ValueError(f"{channels} channels, and the others have {self.channels}")
            ends = self.value_range or raster.own_range
            if ends is None:
                raise ValueError(raster.unstated)
            with decode_budget.take(height * width * channels * (2 * raster.dtype.itemsize + _BYTES)):
                values = raster.load()
                low, high = values.min(), values.max()
                if not (low >= ends[0] and high <= ends[1]):  # also where one is not a number
                    raise ValueError(f"values from {low:g} to {high:g}, outside of {ends[0]:g} to {ends[1]:g}")
                levels = np.empty(values.shape, np.uint16)
                to_levels(values, ends if not raster.is_inverted else ends[::-1], levels)
                is_low = self.value_range is None and raster.dtype == np.uint16 and high < LOW_RANGE * (ends[1] + 1)
                return levels, bool(is_low)


def require_readers(names: Iterable[str]) -> None:
    """Raises InputError where a package is missing that files with these names need."""
    ends = {os.path.splitext(name)[1].lower() for name in names}
    for suffixes, (purpose, *modules) in _MODULES.items():
        if ends.intersection(suffixes):
            require_extra(purpose, *modules)


def _opened(file: BinaryIO) -> Raster:
    """What kind of file it is says its beginning, not its name."""
    start = file.read(dicom_file.SIGNATURE_PLACE + len(dicom_file.SIGNATURE))
    file.seek(0)
    if not start:
        raise ValueError("the file is empty")
    # First, since what stands before that may be the beginning of a TIFF as well.
    if start[dicom_file.SIGNATURE_PLACE :] == dicom_file.SIGNATURE:
        return dicom_raster(file)
    if start.startswith(npy_file.SIGNATURE):
        return npy_raster(file)
    if start.startswith(tiff_file.SIGNATURES):
        return tiff_raster(file)
    if start.startswith(png_file.SIGNATURE):
        return png_raster(file)
    raise ValueError("not a readable .npy, TIFF, DICOM or PNG file")
