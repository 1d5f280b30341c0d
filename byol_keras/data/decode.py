"""Encoded images to RGB or gray pixels, with Pillow, and the check that an image can be decoded.

Images come as they are to be looked at: their EXIF orientation is applied.
"""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import InputError
from ..utils.memory import MemoryBudget
from ..utils.printable import printable
from ..utils.regular_file import open_regular
from .jpeg_scans import MAX_SCANS, has_too_many_scans
from .orientation import UPRIGHT, orientation_of, upright_pixels, upright_size, warnings_lock
from .rgb import has_low_range, is_gray, stored_as, to_gray, to_rgb

# Pillow knows many more, some of which start other programs or crash on malformed files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")

JPEG_FORMATS = ("JPEG", "MPO")  # MPO: a JPEG with more images behind it

# A file of more bytes for each pixel that an image may have is not read. The most wasteful of the formats, a PNG of
# one column with four channels of 16 bits, takes 9, and what compression adds to noise; the rest is room for metadata.
FILE_BYTES_PER_PIXEL = 16

# What all threads together may hold while they decode: bytes.
DECODE_BUDGET = 2 * 1024**3
# What decoding holds at once for a pixel, measured: 6 for a progressive JPEG of three channels and 8 of four, 4 for
# a PNG, 16 for a WebP with its library's two canvases; and with blending and the copy to NumPy up to 15 more.
_LOADED_BYTES, _LOADED_BYTES_WEBP, _RGB_BYTES = 8, 16, 15

_READ_AT_ONCE = 16 * 1024**2  # bytes; larger files are read as the decoder asks for them.

decode_budget = MemoryBudget(DECODE_BUDGET)


class Check(NamedTuple):
    """What `check` found: `size` (height, width), or `reason` when the image cannot be decoded.

    `size` and `pixels` are those of the upright image, `orientation` says how it is stored, see `orientation_of`.
    `low_range` marks an image of 16 bits a channel with hardly any levels in its high bytes, see `rgb.LOW_RANGE`.
    `gray` marks an image that is stored without colors, see `rgb.is_gray`.
    `is_passing` marks a reason that is not in the file and may be gone the next time: no permission, a disk that fails,
    too little memory.
    `channels` are those of `pixels`: of what `check` decodes always 3.
    """

    size: tuple[int, int] | None = None
    jpeg: bool = False
    pixels: np.ndarray | None = None
    reason: str | None = None
    low_range: bool = False
    orientation: int = UPRIGHT
    gray: bool = False
    is_passing: bool = False
    channels: int = 3


def pixel_limit() -> int:
    """Height times width of the largest image that is decoded: Pillow's limit, which a program may change."""
    return sys.maxsize if Image.MAX_IMAGE_PIXELS is None else Image.MAX_IMAGE_PIXELS


def decode(source: bytes | str | os.PathLike, channels: int = 3) -> np.ndarray:
    """Decodes an image, the first frame of an animated one, to RGB or gray.

    As RGB, gray becomes three equal channels; as gray, of a color JPEG the luma that is stored in it is used, of other
    colors `rgb.luma`. In both, what is transparent is blended with white, of 16-bit channels the high byte is
    used (65535 becomes 255), see `to_rgb`; the signatures of an exported SavedModel do the same. CMYK follows Adobe's
    convention. An image that is stored turned or mirrored, as its EXIF data say, is set upright.

    Args:
        source: the encoded image as bytes, or the path of a file.
        channels: 3 for RGB, 1 for gray.

    Returns:
        (H, W, channels) uint8.

    Raises:
        InputError: when it cannot be decoded, or has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    try:
        with _opened(source) as image, decode_budget.take(_bytes_held(image) + _RGB_BYTES * image.width * image.height):
            if channels == 1 and image.format in JPEG_FORMATS:
                image.draft("L", None)
            pixels = (to_gray if channels == 1 else to_rgb)(image, stored_as(image))
            return upright_pixels(pixels, orientation_of(image))
    except Exception as error:  # On a malformed file Pillow's readers raise nearly anything.
        name = f"{len(source)} bytes" if isinstance(source, bytes) else printable(source)
        raise InputError(f"Cannot decode {name}: {reason_of(error)}") from error


def check(source: bytes | str | os.PathLike, held_size: tuple[int, int] | None = None) -> Check:
    """Decodes an image to see whether that works.

    Args:
        source: the encoded image as bytes, or the path of a file.
        held_size: (height, width) or None. The pixels are given back only of an image of this size.

    Returns:
        Check. `jpeg` says whether TensorFlow's JPEG op can decode it; `pixels` is (H, W, 3) uint8 or None.
    """

    def found():
        with _opened(source) as image:
            size, stored, mode = (image.height, image.width), stored_as(image), image.mode
            is_jpeg = image.format in JPEG_FORMATS
            jpeg = is_jpeg and image.mode in ("RGB", "L")
            held = held_size in (size, size[::-1])  # Of a PNG the orientation may stand at the end.
            with decode_budget.take(_bytes_held(image) + held * _RGB_BYTES * image.width * image.height):
                if is_jpeg and not held:
                    image.draft("L", (1, 1))  # Reads all of the file, yet computes only every eighth pixel.
                image.load()
                low_range, orientation = has_low_range(image, stored), orientation_of(image)
                size = upright_size(size, orientation)
                pixels = upright_pixels(to_rgb(image, stored), orientation) if size == held_size else None
                gray = is_gray(image, mode)
                return Check(size, jpeg, pixels, low_range=low_range, orientation=orientation, gray=gray)

    return check_of(source, found)


def check_of(source: bytes | str | os.PathLike, found: Callable[[], Check]) -> Check:
    """What a decoder finds in an image, or the reason why it cannot be decoded.

    Args:
        source: the encoded image as bytes, or the path of a file.
        found: decodes it.

    Returns:
        Check.
    """
    try:
        if not isinstance(source, bytes):
            str(source).encode()  # TensorFlow takes file names in UTF-8 only.
        return found()
    except Exception as error:  # On a malformed file the readers raise nearly anything.
        is_passing = isinstance(error, MemoryError) or (isinstance(error, OSError) and bool(error.strerror))
        return Check(reason=reason_of(error), is_passing=is_passing)


def reason_of(error: Exception) -> str:
    """Why an image cannot be decoded, for people, on one line."""
    if isinstance(error, UnidentifiedImageError):
        return "not a readable JPEG, PNG, WebP, BMP or GIF file"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: make it smaller"
    if isinstance(error, UnicodeEncodeError):
        return "the file's name is not UTF-8: rename it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable(" ".join(str(error).split())) or type(error).__name__


@contextlib.contextmanager
def _opened(source: bytes | str | os.PathLike) -> Iterator[Image.Image]:
    """The image, of which the header has been read."""
    with contextlib.closing(opened_file(source)) as file:
        if not file.read(1):
            raise ValueError("the file is empty")
        file.seek(0)
        # Pillow warns of such things as corrupt EXIF data, which does no harm here.
        with warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file, formats=FORMATS)
        if image.format in JPEG_FORMATS:
            place = file.tell()
            if has_too_many_scans(file):
                raise ValueError(f"a JPEG of more than {MAX_SCANS} scans, which would take very long to decode")
            file.seek(place)
        with image:
            yield image


def opened_file(source: bytes | str | os.PathLike) -> BinaryIO:
    """Bytes, or a regular file or all of its bytes, to read: if it is not larger than any image can need.

    Raises:
        OSError, ValueError: where it cannot be read, or is larger, with the reason.
    """
    if isinstance(source, bytes):
        return io.BytesIO(source)
    file = open_regular(source)
    size = os.fstat(file.fileno()).st_size
    limit = None if Image.MAX_IMAGE_PIXELS is None else FILE_BYTES_PER_PIXEL * Image.MAX_IMAGE_PIXELS
    if limit is not None and size > limit:
        file.close()
        raise ValueError(f"a file of {size:,} bytes, more than an image of {Image.MAX_IMAGE_PIXELS:,} pixels can need")
    if size > _READ_AT_ONCE:
        return file
    with file:
        return io.BytesIO(file.read(size))


def _bytes_held(image):
    """What decoding the image holds at once, at most."""
    pixels = image.width * image.height
    return pixels * (_LOADED_BYTES_WEBP if image.format == "WEBP" else _LOADED_BYTES)
