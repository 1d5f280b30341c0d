import numpy as np

from byol_keras.export.parity.tolerance import tells_apart


def test_embeddings_that_differ_by_rounding_are_not_told_apart():
    row = np.array([0.5, -3, 100], np.float32)
    assert not tells_apart(np.stack([row, row]))
    assert not tells_apart(np.stack([row, np.nextafter(row, np.float32(200))]))
    assert not tells_apart(np.zeros((2, 3), np.float32))
    assert not tells_apart(np.array([[0, 1], [np.nan, 1]], np.float32))
    assert tells_apart(np.stack([row, row + np.float32([0, 0.01, 0])]))
