"""Grids of images, and of their two views, drawn with Pillow."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from ..augment import AudioViews, TwoViews
from .batch_order import numbered_seeds
from .eval_pipeline import ordered_batches
from .images import ImageSource, evenly, shorter_side
from .lost_files import naming_lost_files
from .rgb import shown
from .train_pipeline import two_view_batches
from .view_memory import require_view_memory

GAP = 4


def image_grid(rows: Sequence[Sequence[np.ndarray]], cell: int) -> Image.Image:
    """Puts images side by side on white.

    Args:
        rows: list of rows, each a list of (H, W, 1 or 3) arrays, float in [0, 1] or uint8.
        cell: int, pixels, height and width each image is drawn at.

    Returns:
        PIL.Image, RGB.
    """
    width, height = max(len(row) for row in rows), len(rows)
    grid = Image.new("RGB", (width * (cell + GAP) + GAP, height * (cell + GAP) + GAP), "white")
    for y, row in enumerate(rows):
        for x, pixels in enumerate(row):
            grid.paste(_tile(pixels, cell), (GAP + x * (cell + GAP), GAP + y * (cell + GAP)))
    return grid


def _tile(pixels, cell):
    pixels = shown(np.asarray(pixels))
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    image = Image.fromarray(pixels)
    # Small images are enlarged without smoothing, so that what is seen is what the network gets.
    filter_ = Image.Resampling.NEAREST if image.width < cell else Image.Resampling.BICUBIC
    return image.resize((cell, cell), filter_)


def low_below(spectrograms: np.ndarray) -> list[np.ndarray]:
    """Spectrograms (N, F, W, 1) as people draw them: each with the lowest band below, cut to [0, 1]."""
    return [np.clip(each, 0, 1)[::-1] for each in spectrograms]


def view_grid(
    source: ImageSource, *views: TwoViews | AudioViews, count: int = 12, seed: int = 0, cell: int = 96
) -> Image.Image:
    """A grid of `count` images, evenly taken: original above view 1 above view 2, of each of `views` in turn.

    Args:
        source: `ImageSource`.
        *views: `TwoViews` of one image size, or `AudioViews` for recordings, one at least.
        count: int, at most so many images.
        seed: int, of the views.
        cell: int, pixels.

    Returns:
        PIL.Image, RGB, a row of originals and two for each of `views`.

    Raises:
        InputError: where the views do not fit into memory, or files have been lost since the source was opened.
    """
    chosen = source.subset(evenly(len(source), count))
    if isinstance(views[0], AudioViews):
        # Without sounds of before, to mix with.
        size = (chosen.images.shape[1], views[0].frames)
        originals = np.concatenate([*ordered_batches(chosen, size).as_numpy_iterator()])
        made = [each(originals, seed=tf.constant([0, seed])) for each in views]
        return image_grid([low_below(originals), *(low_below(view) for pair in made for view in pair)], cell)
    require_view_memory(views[0].image_size, len(chosen), source.channels)
    # Most are not resized up here, which would smooth small images and not their views.
    size = min(cell, int(shorter_side(chosen)))
    with naming_lost_files(chosen):
        originals = np.concatenate([*ordered_batches(chosen, size).as_numpy_iterator()])
        made = [_first_views(chosen, each, seed) for each in views]
    return image_grid([list(originals), *(list(view.numpy()) for pair in made for view in pair)], cell)


def _first_views(source, views, seed):
    """The two views of all images of a source, in its order, as training with the seed begins."""
    if source.images is None:
        return next(iter(two_view_batches(source, views, len(source), 1, seed, shuffle=False)))[0]
    # Without a graph, which would take seconds to compile.
    step, whole = tf.constant(0, tf.int64), tf.constant([0, len(source)], tf.int64)
    return views(source.images, seed=numbered_seeds(seed)(step), part=whole)
