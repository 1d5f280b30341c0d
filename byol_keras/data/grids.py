"""Pictures of pictures: contact sheets, drawn with Pillow."""

import numpy as np
from PIL import Image

GAP = 4


def sheet(rows, cell):
    """Puts pictures side by side on white.

    Args:
        rows: list of rows, each a list of (H, W, 1 or 3) arrays, float in [0, 1] or uint8.
        cell: int, pixels, height and width each picture is drawn at.

    Returns:
        PIL.Image, RGB.
    """
    width, height = max(len(row) for row in rows), len(rows)
    canvas = Image.new("RGB", (width * (cell + GAP) + GAP, height * (cell + GAP) + GAP), "white")
    for y, row in enumerate(rows):
        for x, pixels in enumerate(row):
            canvas.paste(_tile(pixels, cell), (GAP + x * (cell + GAP), GAP + y * (cell + GAP)))
    return canvas


def _tile(pixels, cell):
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8:
        pixels = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    image = Image.fromarray(pixels)
    # Small pictures are enlarged without smoothing, so that what is seen is what the network gets.
    filter_ = Image.Resampling.NEAREST if image.width < cell else Image.Resampling.BICUBIC
    return image.resize((cell, cell), filter_)


def view_sheet(pictures, views, count=12, seed=0, cell=96):
    """A sheet of `count` pictures, evenly taken: original above view 1 above view 2.

    Args:
        pictures: `Pictures`.
        views: `TwoViews`.
        count, seed: int.
        cell: int, pixels.

    Returns:
        PIL.Image, RGB, three rows.
    """
    from .images import evenly
    from .pipelines import ordered_batches, two_view_batches

    chosen = pictures.subset(evenly(len(pictures), count))
    # Not resized up here, which would smooth small pictures and not their views.
    size = min(cell, int(chosen.sizes.min()))
    originals = np.concatenate([*ordered_batches(chosen, size).as_numpy_iterator()])
    (crops,) = next(iter(two_view_batches(chosen, views, len(chosen), 1, seed, shuffle=False)))
    return sheet([list(originals), *(list(view.numpy()) for view in crops)], cell)
