"""Images as tiles of a page, each with a figure and its name below."""

import dataclasses
import io

import numpy as np

from ..errors import InputError
from ..tasks.retrieval.collection import Collection
from ..utils.html import data_uri, pil_image

SIDE = 240  # pixels, of the longer side at most
SMALL = 64  # pixels; smaller images are shown as the network gets them, without smoothing
QUALITY = 85


@dataclasses.dataclass(frozen=True)
class Tile:
    """What tiles.html shows as one tile.

    Attributes:
        name: str.
        uri: str, the address of the image inside the page, or None for a frame without one.
        small: bool, whether the pixels are shown as they are.
        figure: str, such as the distance; may be empty.
    """

    name: str
    uri: str | None
    small: bool
    figure: str


def image_tile(name: str, pixels: np.ndarray | None, figure: str = "") -> Tile:
    """A tile of one image, made smaller.

    Args:
        name: str.
        pixels: (H, W, 1 or 3) uint8, or None where there is no image.
        figure: str, such as the distance.
    """
    if pixels is None:
        return Tile(name, None, False, figure)
    image = pil_image(pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=QUALITY)
    return Tile(name, data_uri(buffer.getvalue(), "image/jpeg"), max(image.size) < SMALL, figure)


def collection_tile(collection: Collection, position: int, figure: str) -> Tile:
    """A tile of an image of a collection; one without the image, saying why, where that has gone or is in no file."""
    try:
        pixels = collection.pixels(position)
    except InputError:
        in_no_file = collection.paths is None and collection.source is None
        pixels, figure = None, f"{figure}, {'not shown' if in_no_file else 'cannot be read any more'}"
    return image_tile(collection.names[position], pixels, figure)
