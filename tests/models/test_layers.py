import keras
import numpy as np
import tensorflow as tf

from byol_keras.models.layers import batch_norm


def test_constants_by_hand():
    layer = batch_norm()
    # Mean 0.001, variance 1e-6: the output is 0.001 / sqrt(1.1e-5).
    y = layer(tf.constant([[0.0], [0.002]]), training=True)
    np.testing.assert_allclose(y, [[-0.301511], [0.301511]], rtol=1e-5)
    layer = batch_norm()
    # Mean 2, variance 4 without Bessel's correction.
    layer(tf.constant([[0.0], [4.0]]), training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), [0.2], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance.numpy(), [1.3], rtol=1e-6)


def test_statistics_are_taken_across_replicas():
    assert isinstance(batch_norm(), keras.layers.BatchNormalization)
    assert batch_norm().synchronized
