"""Quarter turns."""

import tensorflow as tf

from .layout import transpose_hw


def turned(nwch: tf.Tensor, quarters: tf.Tensor) -> tf.Tensor:
    """Each image turned counterclockwise.

    Args:
        nwch: (B, S, C, S), squares.
        quarters: (B,) int32, quarter turns from 0 to 3.

    Returns:
        (B, S, C, S), the pixels of `nwch` in other places.
    """
    quarters = quarters[:, None, None, None]
    # Transposing and turning an image upside down makes a quarter turn of it.
    nwch = tf.where(quarters % 2 == 1, transpose_hw(nwch), nwch)
    nwch = tf.where((quarters == 1) | (quarters == 2), tf.reverse(nwch, [3]), nwch)
    return tf.where(quarters >= 2, tf.reverse(nwch, [1]), nwch)
