"""Quarter turns against NumPy's."""

import numpy as np
import tensorflow as tf

from byol_keras.augment.layout import from_nhcw, to_nhcw, transpose_hw
from byol_keras.augment.turn import turned


def test_quarter_turns_are_numpys():
    images = np.random.default_rng(0).random((4, 5, 5, 3), np.float32)
    nwch = turned(transpose_hw(to_nhcw(tf.constant(images))), tf.range(4))
    result = from_nhcw(transpose_hw(nwch)).numpy()
    np.testing.assert_array_equal(result, [np.rot90(image, quarters) for quarters, image in enumerate(images)])
