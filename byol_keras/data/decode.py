"""Encoded images to RGB pixels, with Pillow, and the check that an image can be decoded.

EXIF orientation is not applied: TensorFlow's decoders, used in training and in serving, ignore it too.
"""

import io
import os
import threading
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import InputError

# Pillow knows many more, some of which start other programs or crash on malformed files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")

_warnings_lock = threading.Lock()


class Check(NamedTuple):
    """What `check` found: `size` (height, width), or `reason` when the image cannot be decoded."""

    size: tuple[int, int] | None = None
    jpeg: bool = False
    pixels: np.ndarray | None = None
    reason: str | None = None


def decode(source: bytes | str | os.PathLike) -> np.ndarray:
    """Decodes an image, the first frame of an animated one, to RGB.

    Gray becomes three equal channels; transparency is dropped, not blended with a background; of 16-bit channels the
    high byte is used (65535 becomes 255); all as TensorFlow's decoders do it. CMYK follows Adobe's convention.

    Args:
        source: the encoded image as bytes, or the path of a file.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: when it cannot be decoded, or has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`.
    """
    try:
        with _open(source) as image:
            return _to_rgb(image)
    except Exception as error:  # On a malformed file Pillow's readers raise nearly anything.
        name = f"{len(source)} bytes" if isinstance(source, bytes) else source
        raise InputError(f"Cannot decode {name}: {_reason(error)}") from error


def check(source: bytes | str | os.PathLike, held_size: tuple[int, int] | None = None) -> Check:
    """Decodes an image to see whether that works.

    Args:
        source: the encoded image as bytes, or the path of a file.
        held_size: (height, width) or None. The pixels are given back only of an image of this size.

    Returns:
        Check. `jpeg` says whether TensorFlow's JPEG op can decode it; `pixels` is (H, W, 3) uint8 or None.
    """
    try:
        if not isinstance(source, bytes):
            str(source).encode()  # TensorFlow takes file names in UTF-8 only.
        with _open(source) as image:
            size = (image.height, image.width)
            is_jpeg = image.format in ("JPEG", "MPO")  # MPO: a JPEG with more images behind it
            jpeg = is_jpeg and image.mode in ("RGB", "L")
            if size == held_size:
                return Check(size, jpeg, _to_rgb(image))
            if is_jpeg:
                image.draft("L", (1, 1))  # Reads all of the file, yet computes only every eighth pixel.
            image.load()
            return Check(size, jpeg)
    except Exception as error:  # On a malformed file Pillow's readers raise nearly anything.
        return Check(reason=_reason(error))


def _open(source):
    if isinstance(source, bytes):
        data = source
    else:
        with open(source, "rb") as file:
            data = file.read()
    if not data:
        raise ValueError("the file is empty")
    # Pillow warns of such things as corrupt EXIF data, which does no harm here. The filters belong to the whole
    # process: two threads changing them at once could leave them changed for good.
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _to_rgb(image):
    if image.mode.startswith("I"):  # 16-bit gray: converting would clip what is above 255.
        gray = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(gray[..., None], 3, axis=2)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # Straight to RGB, Pillow would warn.
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _reason(error):
    """Why an image cannot be decoded, for people."""
    if isinstance(error, UnidentifiedImageError):
        return "not a readable JPEG, PNG, WebP, BMP or GIF file"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: make it smaller"
    if isinstance(error, UnicodeEncodeError):
        return "the file's name is not UTF-8: rename it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
