import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.kernels.relu import CompiledActivation, CompiledReLU

VALUES = [-2.0, -0.0, 0.0, 3.0, np.inf, -np.inf, np.nan, -np.nan]


def outcome(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    return y, tape.gradient(y, x, output_gradients=tf.cast(tf.range(1, 1 + len(x)), x.dtype))


@pytest.mark.parametrize("layer", [CompiledReLU(dtype="bfloat16"), CompiledActivation("relu", dtype="bfloat16")])
@pytest.mark.parametrize("graph", [False, True])
def test_values_and_gradients_by_hand(layer, graph):
    run = tf.function(outcome) if graph else outcome
    y, gradient = run(layer, tf.constant(VALUES, tf.bfloat16))
    assert y.dtype == gradient.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(y, tf.float32), [0, 0, 0, 3, np.inf, 0, np.nan, np.nan])
    np.testing.assert_array_equal(tf.cast(gradient, tf.float32)[:6], [0, 0, 0, 4, 5, 0])


def test_a_sum_before_it_is_taken_along():
    layer = CompiledReLU(dtype="bfloat16")

    @tf.function
    def block(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            y = layer(keras.layers.Add(dtype="bfloat16")([a, b]))
        return (y, *tape.gradient(y, [a, b]))

    a, b = tf.constant([1.0, -3.0, 2.0], tf.bfloat16), tf.constant([1.0, 1.0, -5.0], tf.bfloat16)
    results = [tf.cast(t, tf.float32) for t in block(a, b)]
    np.testing.assert_array_equal(results, [[2, 0, 0], [1, 0, 0], [1, 0, 0]])


def test_a_sum_that_broadcasts_is_left_to_tensorflow():
    layer = CompiledReLU(dtype="bfloat16")

    @tf.function
    def block(a, b):
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            y = layer(a + b)
        return tape.gradient(y, b)

    a, b = tf.ones((4, 3), tf.bfloat16), tf.constant([1.0, -3.0, 2.0], tf.bfloat16)
    np.testing.assert_array_equal(tf.cast(block(a, b), tf.float32), [4, 0, 4])


@pytest.mark.parametrize(
    ("layer", "plain"),
    [
        (CompiledReLU(max_value=1.0), keras.layers.ReLU(max_value=1.0)),
        (CompiledReLU(negative_slope=0.5), keras.layers.ReLU(negative_slope=0.5)),
        (CompiledReLU(threshold=0.5), keras.layers.ReLU(threshold=0.5)),
        (CompiledActivation("tanh"), keras.layers.Activation("tanh")),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_other_activations_are_left_to_keras(layer, plain, dtype):
    x = tf.constant(VALUES[:6], dtype)
    np.testing.assert_array_equal(tf.cast(layer(x), tf.float32), tf.cast(plain(x), tf.float32))
