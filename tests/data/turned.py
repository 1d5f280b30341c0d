"""One image in all eight orientations: the same to look at, stored in eight ways."""

import io

import numpy as np
from PIL import Image

ORIENTATIONS = range(1, 9)
# What Pillow does to the stored image; each is undone by another of them.
UNDONE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def blocks(rows=5, columns=7, block=16, seed=0):
    """An image of blocks of one color each, no two sides alike, of whole JPEG blocks: (H, W, 3) uint8.

    Of such an image a JPEG of 4:4:4 is turned without loss: each block is coded by itself, and has no detail.
    """
    colors = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)
    return colors.repeat(block, axis=0).repeat(block, axis=1)


def stored(image, orientation, kind="JPEG", **options):
    """The file of an image, (H, W, 3) uint8, that is to be looked at upright and is stored in an orientation."""
    image = Image.fromarray(image)
    if orientation in UNDONE:
        image = image.transpose(UNDONE[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    quality = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    file = io.BytesIO()
    image.save(file, kind, exif=exif, **quality, **options)
    return file.getvalue()


def folder_of(path, image, kind="JPEG"):
    """A folder with the image in all orientations, 1.jpg to 8.jpg."""
    path.mkdir(parents=True, exist_ok=True)
    for orientation in ORIENTATIONS:
        (path / f"{orientation}.{kind.lower()}").write_bytes(stored(image, orientation, kind))
    return path
