"""Pillow's images of every mode as RGB or gray pixels: 16 bits, palettes, transparency, CMYK."""

import numpy as np
from PIL import Image

# Scaled by its own largest value an image's brightness would depend on what is in it, and by a source's on the other
# files, while the encoder will be given single ones. What a PNG's sBIT chunk says changes nothing: the standard has the
# levels spread over all 16 bits there too. So it is the high byte, and a source says what is lost.
#
# A 16-bit image that uses less than this share of its range has at most 16 of 256 levels: 10 or 12 bits of a camera
# or a microscope that were stored as they came.
LOW_RANGE = 1 / 16

# How Pillow calls gray of a few bits -> the factor from a stored level to one of 256.
_LEVEL = {"1": 255, "L;2": 85, "L;4": 17}


def to_rgb(image: Image.Image, stored: str) -> np.ndarray:
    """The pixels of an image as RGB.

    Gray becomes three equal channels. Of 16-bit channels the high byte is used. What is transparent is blended with
    white, in proportion, rounded: (color * alpha + 255 * (255 - alpha)) / 255. Dropped, it would show what the
    encoder of the file left behind it, mostly black, and a black drawing on nothing would be black all over.

    Args:
        image: opened, loaded or not.
        stored: what `stored_as` said of it before it was loaded.

    Returns:
        (H, W, 3) uint8.
    """
    if image.mode.startswith("I"):  # 16-bit gray: converting would clip what is above 255.
        levels = np.asarray(image)
        gray = (levels >> 8).astype(np.uint8)
        if "transparency" in image.info:
            gray[levels == image.info["transparency"]] = 255
        return np.repeat(gray[..., None], 3, axis=2)
    if image.has_transparency_data:
        return _on_white(image, stored)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def to_gray(image: Image.Image, stored: str) -> np.ndarray:
    """The pixels of an image as gray: those of a gray one as they are, of another one the luma of its RGB.

    Args:
        image, stored: as for `to_rgb`, which says what becomes of 16 bits and of what is transparent.

    Returns:
        (H, W, 1) uint8.
    """
    if image.mode == "L" and not image.has_transparency_data:
        return np.array(image)[..., None]
    return luma(to_rgb(image, stored))


def luma(pixels: np.ndarray) -> np.ndarray:
    """RGB pixels as gray: 0.299 R + 0.587 G + 0.114 B, rounded (ITU-R BT.601); equal channels stay as they are.

    Args:
        pixels: (H, W, 3) uint8 or uint16.

    Returns:
        (H, W, 1) of the same dtype.
    """
    if pixels.dtype == np.uint16:
        return np.rint(pixels @ np.array([0.299, 0.587, 0.114]))[..., None].astype(np.uint16)
    return np.array(Image.fromarray(pixels).convert("L"))[..., None]


def shown(pixels: np.ndarray) -> np.ndarray:
    """Pixels of any channels and depth as they can be looked at: the first three channels, or the first of two.

    Args:
        pixels: (H, W, C) uint8, uint16, or float in [0, 1].

    Returns:
        (H, W, 1 or 3) uint8; of uint16 the high byte.
    """
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return pixels[..., : 3 if pixels.shape[-1] >= 3 else 1]


def is_gray(image: Image.Image, mode: str) -> bool:
    """Whether an image is stored without colors: in gray, with or without transparency, or by a palette of grays.

    One whose colors merely happen to be gray, such as any WebP of a gray image, is not.

    Args:
        image: loaded.
        mode: what its mode was before that.
    """
    if image.mode != "P":
        return mode in ("1", "L", "LA") or mode.startswith("I")
    colors = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((colors == colors[:, :1]).all())


def has_low_range(image: Image.Image, stored: str) -> bool:
    """Whether an image has 16 bits a channel and uses less than LOW_RANGE of their range.

    Args:
        image: loaded.
        stored: what `stored_as` said of it before that.
    """
    if ";16" not in stored:
        return False
    extremes = image.getextrema()
    if image.mode.startswith("I"):
        return extremes[1] < LOW_RANGE * 65536
    return max(high for _, high in extremes[:3]) < LOW_RANGE * 256  # Pillow gives the high bytes of colors.


def low_range_line(count: int, total: int, is_raster: bool = False) -> str:
    """One line on images with `has_low_range`.

    Args:
        count: of them.
        total: of all images.
        is_raster: whether all 16 bits are read; the encoder gets images that are nearly black all the same.
    """
    lost = "" if is_raster else f", so at most {256 * LOW_RANGE:.0f} of 256 levels are left of them"
    return (
        f"{count:,} of {total:,} images have 16 bits and use less than 1/{1 / LOW_RANGE:.0f} of their range{lost}: if "
        "all are of 12 bits, state it by `value_range` 0 4095 (10 bits: 0 1023), and all of these are read, here and "
        "of every image that the encoder is given later."
    )


def stored_as(image: Image.Image) -> str:
    """How the pixels of a PNG lie in the file, in Pillow's words: "RGB;16B"; to be asked before they are loaded.

    Of other formats, none of which has 16 bits, "".
    """
    return image.tile[0].args if image.format == "PNG" and image.tile else ""


def _on_white(image, stored):
    if isinstance(image.info.get("transparency"), int | tuple):
        image.info["transparency"] = _scaled(image.info["transparency"], stored)
    blended = Image.new("RGB", image.size, "white")
    image = image.convert("RGBA")
    blended.paste(image, mask=image.getchannel("A"))
    return np.array(blended)


def _scaled(level, stored):
    """The transparent color of a PNG, which is written in the file's bits, in those of Pillow's image."""
    if isinstance(level, tuple):
        return tuple(part >> 8 for part in level) if ";16" in stored else level
    return level * _LEVEL.get(stored, 1)
