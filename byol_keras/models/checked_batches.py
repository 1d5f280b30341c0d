"""The checks of a step made on its batches, for steps that XLA compiles: it leaves out what only raises an error."""

import keras
import tensorflow as tf

from ..augment.batch import TOO_SMALL
from ..augment.layout import require_unit_range
from ..utils.pipeline import parallel_map


def checked_batches(batches: tf.data.Dataset, alone: bool) -> tf.data.Dataset:
    """The same batches; reading one fails where images as floats are not in [0, 1], or the first is of one example.

    Args:
        batches: as `fit` and its kin take them.
        alone: whether the first may be of one example.

    Returns:
        tf.data.Dataset, whose errors `augment.batch.plain_errors` makes an InputError of.
    """

    def check(number, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        x = keras.tree.map_structure(lambda part: _checked(part, alone or number > 0), x)
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    return parallel_map(batches.enumerate(), check)


def _checked(batch, alone):
    enough = tf.convert_to_tensor(alone) | (tf.shape(batch)[0] > 1)
    with tf.control_dependencies([tf.debugging.Assert(enough, [TOO_SMALL])]):
        batch = tf.identity(batch)
    return require_unit_range(batch) if batch.shape.rank == 4 and batch.dtype.is_floating else batch
