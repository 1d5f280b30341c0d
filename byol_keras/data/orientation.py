"""The EXIF orientation of images that Pillow has opened."""

import threading
import warnings

import numpy as np
from PIL import ExifTags, Image

UPRIGHT = 1

# Where Pillow keeps what it finds the orientation in.
_PLACES = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}

# The filters of warnings belong to the whole process: two threads changing them at once could leave them changed for
# good. Whoever changes them, while Pillow reads, holds this.
warnings_lock = threading.Lock()


def orientation_of(image: Image.Image) -> int:
    """How an image is stored: what Pillow's `ImageOps.exif_transpose` goes by, so of PNG and WebP too.

    Damaged EXIF data, which browsers and viewers pass over as well, says nothing.

    Args:
        image: loaded; of a PNG Pillow knows it only then.

    Returns:
        1 (upright) to 8.
    """
    if not image.info.keys() & _PLACES:
        return UPRIGHT
    try:
        with warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except Exception:  # On malformed data Pillow raises nearly anything.
        return UPRIGHT
    return orientation if orientation in range(1, 9) else UPRIGHT


def upright_pixels(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The pixels of an image as it is to be looked at.

    Args:
        pixels: (H, W, C), as stored.
        orientation: 1 to 8.

    Returns:
        (H, W, C), or (W, H, C) for the orientations from 5 on, in one piece.
    """
    rows, columns = orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)
    pixels = pixels[:: -1 if rows else 1, :: -1 if columns else 1]
    return np.ascontiguousarray(pixels.swapaxes(0, 1) if orientation >= 5 else pixels)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Height and width of the upright image, by those of the stored one."""
    return (size[1], size[0]) if orientation >= 5 else size
