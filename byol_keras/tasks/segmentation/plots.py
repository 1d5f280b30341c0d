"""Grids of predictions: images beside maps of their classes, with a legend."""

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .label_maps import VOID

GAP = 6
FONT_SIZE = 14
LINE = 22
# The part of a circle that never comes back to where it was: neighbors in the list get hues far apart.
GOLDEN = 0.6180339887498949


def class_colors(num_classes: int) -> np.ndarray:
    """(256, 3) uint8: a color for each class; black for everything else, VOID above all."""
    table = np.zeros((256, 3), np.uint8)
    for i in range(num_classes):
        value, saturation = ((0.95, 0.75), (0.65, 0.85), (0.95, 0.4))[i % 3]
        table[i] = np.round(255 * np.array(colorsys.hsv_to_rgb(i * GOLDEN % 1, saturation, value)))
    return table


def segmentation_grid(
    rows: Sequence[Sequence[np.ndarray]], columns: Sequence[str], class_names: Sequence[str]
) -> Image.Image:
    """Images and label maps side by side on white, above a legend of the colors.

    Args:
        rows: list of rows, each a list of (H, W, 3) uint8 images and (H, W) uint8 label maps.
        columns: list of str, what stands above each column.
        class_names: tuple of str.

    Returns:
        PIL.Image, RGB.

    Example:
        rows = [[test.image(i), test.labels(i), predict(test.image(i))] for i in range(6)]
        bk.tasks.segmentation_grid(rows, ["image", "truth", "predicted"], test.class_names).save("grid.png")
    """
    table, font = class_colors(len(class_names)), ImageFont.load_default(FONT_SIZE)
    tiles = [[cell if cell.ndim == 3 else table[cell] for cell in row] for row in rows]
    widths = [max(row[x].shape[1] for row in tiles) for x in range(len(columns))]
    heights = [max(tile.shape[0] for tile in row) for row in tiles]
    width = sum(widths) + GAP * (len(widths) + 1)
    entries = [*enumerate(class_names), (VOID, "no class")]
    places, lines = _legend(entries, width, font)
    top = LINE + sum(heights) + GAP * len(heights)
    grid = Image.new("RGB", (width, top + lines * LINE + GAP), "white")
    draw = ImageDraw.Draw(grid)
    for x, name in enumerate(columns):
        left = GAP + sum(widths[:x]) + GAP * x
        draw.text((left, 2), name, "black", font)
        for y, row in enumerate(tiles):
            grid.paste(Image.fromarray(row[x]), (left, LINE + sum(heights[:y]) + GAP * y))
    for (number, name), (left, line) in zip(entries, places, strict=True):
        y = top + line * LINE
        draw.rectangle((left, y + 2, left + FONT_SIZE, y + 2 + FONT_SIZE), tuple(int(c) for c in table[number]))
        draw.text((left + FONT_SIZE + GAP, y), name, "black", font)
    return grid


def _legend(entries, width, font):
    """(left, line) of each entry, wrapped at `width`, and the number of lines."""
    places, left, line = [], GAP, 0
    for _, name in entries:
        needed = FONT_SIZE + GAP + round(font.getlength(name)) + 3 * GAP
        if left > GAP and left + needed > width:
            left, line = GAP, line + 1
        places.append((left, line))
        left += needed
    return places, line + 1
