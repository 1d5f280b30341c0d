"""Grids of views show what training sees."""

import numpy as np

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays
from byol_keras.data.grids import GAP, view_grid
from byol_keras.data.train_pipeline import two_view_batches


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
