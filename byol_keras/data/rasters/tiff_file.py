"""TIFF files, with tifffile."""

import logging
from typing import BinaryIO

import numpy as np

from ..orientation import UPRIGHT, upright_pixels
from .raster import Raster, raster_of

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # and BigTIFF's

# Those that lose nothing and are decoded into a buffer of the image's own size, by tifffile's names.
_COMPRESSIONS = ("NONE", "LZW", "ADOBE_DEFLATE", "DEFLATE", "PACKBITS", "ZSTD", "LZMA")
_PHOTOMETRICS = ("MINISBLACK", "MINISWHITE", "RGB")
_ORIENTATION = 274
# A tile is decoded as a whole, and may be larger than the image: by this factor, and up to so many pixels in any case.
_TILE_FACTOR, _TILE_PIXELS = 4, 2048**2
# A file with more small copies of its image is looked through no further.
_PAGES = 64


def tiff_raster(file: BinaryIO) -> Raster:
    """The image in a TIFF: one page of any number of samples, whose smaller copies and masks are passed over.

    Raises:
        ValueError: for a file of several pages, a palette, a lossy or unusual compression, or anything else that is no
            one image, with the reason.
    """
    import tifffile

    # It says on stderr what is the matter with a file, and goes on; what matters is raised below.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    tiff = tifffile.TiffFile(file)
    page = tiff.pages[0]
    _require_one_page(tiff)
    if page.compression.name not in _COMPRESSIONS:
        raise ValueError(f"a TIFF compressed by {page.compression.name}: save it with LZW, deflate, or uncompressed")
    if page.photometric.name not in _PHOTOMETRICS or page.axes not in ("YX", "YXS", "SYX"):
        raise ValueError(f"a TIFF in {page.photometric.name} with the axes {page.axes}: save it as gray or channels")
    if page.dtype is None:
        raise ValueError(f"a TIFF of {page.bitspersample} bits a value, which are no numbers that NumPy has")
    if page.is_tiled:
        tile = page.tilewidth * page.tilelength
        if tile > max(_TILE_PIXELS, _TILE_FACTOR * page.imagewidth * page.imagelength):
            raise ValueError(f"a TIFF of {tile:,} pixels a tile, many more than its image has")
    tag = page.tags.get(_ORIENTATION)
    orientation = tag.value if tag is not None and tag.value in range(1, 9) else UPRIGHT
    is_planar = page.axes == "SYX"
    shape = (*page.shape[1:], page.shape[0]) if is_planar else page.shape

    def load():
        values = page.asarray(maxworkers=1)
        values = np.moveaxis(values, 0, -1) if is_planar else values.reshape(*values.shape[:2], -1)
        return values if orientation == UPRIGHT else upright_pixels(values, orientation)

    bits = page.bitspersample if isinstance(page.bitspersample, int) else None
    raster = raster_of(shape, np.dtype(page.dtype), load, bits)
    return raster._replace(is_inverted=page.photometric.name == "MINISWHITE")


def _require_one_page(tiff):
    """Refuses what may be channels, slices or times: which they are, and so what to make of them, nobody says."""
    count = 1
    for number, page in enumerate(tiff.pages):
        if number == _PAGES:
            break
        count += number > 0 and not (page.is_reduced or page.is_mask)
    if tiff.is_imagej:  # whose pages need not be listed
        count = max(count, int((tiff.imagej_metadata or {}).get("images", 1)))
    if count > 1:
        raise ValueError(
            f"a TIFF of {count if number < _PAGES else 'very many'} pages: save each as a file of its own, or those "
            "that are channels as one image (H, W, C)"
        )
