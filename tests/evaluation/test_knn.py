"""The vote of the neighbours, by hand."""

import numpy as np

from byol_keras.evaluation import nearest


def test_nearest_is_by_direction_not_by_length():
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [10.0, 1.0], [-1.0, 0.0]])
    assert nearest(np.array([[0.1, 0.0]]), vectors, 3).tolist() == [[0, 2, 1]]
