"""Images with boxes drawn on them."""

import numpy as np

from byol_keras.tasks.detection.coco import read_coco
from byol_keras.tasks.detection.plots import COLORS, GAP, detection_grid

FIRST = tuple(int(COLORS[0][i : i + 2], 16) for i in (1, 3, 5))


def colored(pixels):
    return (np.asarray(pixels) == FIRST).all(-1)


def test_truth_and_what_is_found_stand_side_by_side(write_squares, tmp_path):
    boxed = read_coco(write_squares(tmp_path / "squares", 3))
    nothing = (np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.float32))
    found = (np.array([[8, 30, 40, 60], [0, 0, 90, 60]], np.float32), np.array([0, 0]), np.array([0.8, 0.29]))
    grid = np.asarray(detection_grid(boxed, {"found": [found, nothing, nothing]}, count=5, width=96))
    # Two of the three images have objects: two rows of 64 pixels under the titles.
    assert grid.shape == (24 + 2 * (64 + GAP), 2 * (96 + GAP) + GAP, 3)
    truth, beside = grid[24:88, GAP : GAP + 96], grid[24:88, 2 * GAP + 96 : 2 * (GAP + 96)]
    left, _, right, bottom = boxed.boxes[0][0].astype(int)
    assert colored(truth)[bottom - 1, left:right].all()
    assert colored(beside)[59, 8:40].all()
    # The unsure one is not drawn, and in the second row there is nothing.
    assert not colored(beside)[:, 80:].any()
    assert not colored(grid)[88 + GAP :, 2 * GAP + 96 :].any()
