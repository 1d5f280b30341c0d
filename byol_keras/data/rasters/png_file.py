"""PNG files in all of their bits."""

import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..orientation import UPRIGHT, orientation_of, upright_pixels, warnings_lock
from ..rgb import stored_as
from .raster import Raster, raster_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# How Pillow calls what lies in the file -> channels and type.
_KINDS = {"L": (1, "u1"), "RGB": (3, "u1"), "I;16B": (1, "u2"), "RGB;16B": (3, "u2")}


def png_raster(file: BinaryIO) -> Raster:
    """The image in a PNG of 8 or 16 bits, gray or RGB, its EXIF orientation applied.

    Raises:
        ValueError: for anything else, with the reason.
    """
    with warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Of Pillow's own limit the size is looked at before anything is decoded, as that of every raster.
        image = Image.open(file, formats=("PNG",))
    stored = stored_as(image)
    if stored not in _KINDS or "transparency" in image.info:
        raise ValueError(
            f"a PNG in {stored or image.mode}, and with a value range gray and RGB of 8 or 16 bits are read, without "
            "transparency or a palette"
        )
    channels, kind = _KINDS[stored]

    def load():
        image.load()
        orientation = orientation_of(image)
        pixels = np.asarray(image) if (channels, kind) != (3, "u2") else _deep_color(file)
        return pixels if orientation == UPRIGHT else upright_pixels(pixels.reshape(*pixels.shape[:2], -1), orientation)

    return raster_of((image.height, image.width, channels), np.dtype(kind), load)


def _deep_color(file):
    """(H, W, 3) uint16, of which Pillow has the high bytes only."""
    import tensorflow as tf

    file.seek(0)
    with tf.device("CPU"):
        return tf.io.decode_png(file.read(), channels=3, dtype=tf.uint16).numpy()
