"""Images as tiles of a page, each with its name below."""

import base64
import html
import io

from PIL import Image

from ..errors import InputError

SIDE = 240  # pixels, of the longer side at most
SMALL = 64
QUALITY = 85

STYLE = """.tiles { display: grid; gap: .9rem .7rem; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.tile img, .query img { width: 100%; height: 7.5rem; object-fit: contain; object-position: left bottom; }
.tile, .query { font-size: .75rem; line-height: 1.35; overflow-wrap: anywhere; }
.tile .name, .query .name { color: var(--faint); display: block; }
.small { image-rendering: pixelated; }
.none { height: 7.5rem; border: 1px dashed var(--line); }
@media (max-width: 30rem) {
  .tiles { grid-template-columns: repeat(3, 1fr); gap: .7rem .5rem; }
  .tile img, .small { image-rendering: pixelated; }
.none { height: 6rem; }
}"""


def tile(name, pixels, figure="", kind="tile"):
    """One image with a figure and its name below.

    Args:
        name: str.
        pixels: (H, W, 1 or 3) uint8, or None for a frame without an image.
        figure: str, such as the distance; plain text.
        kind: str, the class of the element: "tile" or "query".
    """
    shown = '<div class="none"></div>' if pixels is None else jpeg(pixels, name)
    figure = f"<b>{html.escape(figure)}</b>" if figure else ""
    return f'<div class="{kind}">{shown}{figure}<span class="name">{html.escape(name)}</span></div>'


def collection_tile(collection, position, figure):
    """A tile of an image of a `Collection`, which says so when the image has gone since."""
    try:
        pixels = collection.pixels(position)
    except InputError:
        pixels, figure = None, f"{figure}, cannot be read any more"
    return tile(collection.names[position], pixels, figure)


def jpeg(pixels, alt):
    """An image inside the page, made smaller.

    Args:
        pixels: (H, W, 1 or 3) uint8.
        alt: str, what is in it.
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode()
    # Small images are shown as the network gets them.
    small = ' class="small"' if max(image.size) < SMALL else ""
    return f'<img{small} src="data:image/jpeg;base64,{data}" alt="{html.escape(alt)}">'
