"""One image of a source as it can be looked at."""

import os

import numpy as np

from .decode import decode
from .images import ImageSource
from .rasters.raster_reading import RasterReading
from .rgb import shown


def image_of(source: ImageSource, index: int) -> np.ndarray:
    """An image of a source; of a recording its spectrogram, the lowest band below.

    Args:
        source: `ImageSource`.
        index: int.

    Returns:
        (H, W, 1 or 3) uint8, see `rgb.shown`.

    Raises:
        InputError, OSError: when it can no longer be read.
    """
    if source.images is not None:
        return shown(source.images[index] if source.sample_rate is None else source.images[index][::-1])
    return shown_image(source.encoded[index] if source.paths is None else source.paths[index], source.reading)


def shown_image(content: bytes | str | os.PathLike, reading: RasterReading | None) -> np.ndarray:
    """An encoded image, likewise.

    Args:
        content: as bytes, or the path of a file.
        reading: of a raster, or None.
    """
    return decode(content) if reading is None else shown(reading.decode(content))
