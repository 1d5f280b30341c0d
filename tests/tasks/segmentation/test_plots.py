"""The grid of predictions."""

import numpy as np

from byol_keras.tasks.segmentation.label_maps import VOID
from byol_keras.tasks.segmentation.plots import GAP, LINE, class_colors, segmentation_grid


def test_colors_differ_and_void_is_black():
    table = class_colors(20).astype(int)
    distances = np.abs(table[:20, None] - table[None, :20]).sum(axis=-1)
    assert distances[~np.eye(20, dtype=bool)].min() > 40
    assert table[:20].sum(axis=1).min() > 100
    assert (table[VOID] == 0).all()


def test_every_pixel_of_a_map_has_the_color_of_its_class():
    image = np.full((30, 50, 3), 99, np.uint8)
    labels = np.zeros((30, 50), np.uint8)
    labels[:, 25:], labels[0, 0] = 1, VOID
    grid = np.asarray(segmentation_grid([[image, labels], [image, labels]], ["image", "truth"], ("a", "b")))
    table = class_colors(2)
    left, top = 2 * GAP + 50, LINE + 30 + GAP
    np.testing.assert_array_equal(grid[top : top + 30, left : left + 50], table[labels])
    np.testing.assert_array_equal(grid[top : top + 30, GAP : GAP + 50], image)
    legend = grid[top + 30 :].reshape(-1, 3)
    for color in table[[0, 1]]:
        assert (legend == color).all(axis=1).sum() > 100
