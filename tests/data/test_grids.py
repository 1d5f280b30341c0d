"""Grids of views show what training sees."""

import numpy as np
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays, open_source
from byol_keras.data.grids import GAP, view_grid
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.data.view_sample import view_sample


def test_the_views_are_those_that_training_begins_with():
    source = from_arrays(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8))
    views, cell = TwoViews(8), 16
    grid = np.asarray(view_grid(source, views, seed=5, cell=cell), np.int32)
    ((view_1, view_2),) = next(iter(two_view_batches(source, views, 3, 1, seed=5, shuffle=False)))
    for row, view in enumerate((view_1, view_2), start=1):
        for column, pixels in enumerate(np.round(255 * view.numpy())):
            top, left = GAP + row * (cell + GAP), GAP + column * (cell + GAP)
            # Every second pixel, for a cell is twice as large as a view.
            assert np.abs(grid[top : top + cell : 2, left : left + cell : 2] - pixels).max() <= 1


def test_one_tiny_image_does_not_decide_how_all_are_shown(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), np.uint8)
    for i, pixels in enumerate([*noise, noise[0, :1, :1]]):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    source = open_source(tmp_path)
    grid = np.asarray(view_grid(source, TwoViews(16), count=5, cell=40))
    first = grid[GAP : GAP + 40, GAP : GAP + 40]
    np.testing.assert_array_equal(first, noise[0])
    # Of 1 pixel, drawn larger, all views would be of one color.
    assert view_sample(source, TwoViews(16), 1)[0, :4].std(axis=(1, 2)).min() > 10
