import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.kernels.convolution import MatmulGradientConv2D, filter_gradient

# Batch, height, width, channels, filters, kernel, strides, padding: the shapes of ResNets, and awkward ones.
CONVOLUTIONS = [
    (3, 4, 4, 8, 16, (3, 3), (1, 1), "same"),
    (3, 8, 8, 8, 16, (1, 1), (1, 1), "same"),
    (3, 8, 8, 8, 16, (3, 3), (2, 2), "same"),
    (3, 9, 7, 8, 16, (3, 3), (2, 2), "same"),
    (3, 16, 16, 4, 6, (1, 1), (2, 2), "same"),
    (3, 15, 15, 4, 6, (1, 1), (2, 2), "valid"),
    (2, 10, 7, 5, 3, (3, 5), (2, 1), "valid"),
    (2, 11, 13, 5, 3, (5, 2), (3, 2), "same"),
    (2, 5, 5, 4, 4, (1, 1), (3, 3), "same"),
    (1, 1, 1, 4, 4, (3, 3), (1, 1), "same"),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_filter_gradient_is_the_gradient_of_the_convolution(case):
    batch, height, width, channels, filters, size, strides, padding = case
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(batch, height, width, channels)), tf.float64)
    kernel = tf.constant(rng.normal(size=(*size, channels, filters)), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        y = tf.nn.conv2d(x, kernel, strides, padding.upper())
    dy = tf.constant(rng.normal(size=y.shape), tf.float64)
    expected = tape.gradient(y, kernel, output_gradients=dy)
    actual = filter_gradient(x, dy, size, strides, padding.upper())
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10)


def test_filter_gradient_by_hand():
    # One channel, a 1 x 3 row under a 1 x 3 filter: the taps see the row shifted by one, nought, minus one.
    x, dy = (tf.constant(row, tf.float32, (1, 1, 3, 1)) for row in ([1, 2, 3], [10, 20, 30]))
    np.testing.assert_array_equal(tf.reshape(filter_gradient(x, dy, (1, 3), (1, 1), "SAME"), -1), [80, 140, 80])


def bfloat16_values(shape, seed):
    """Random numbers that bfloat16 holds exactly, (shape) float64."""
    return tf.cast(tf.cast(np.random.default_rng(seed).normal(size=shape), tf.bfloat16), tf.float64).numpy()


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_the_layer_gives_what_the_keras_layer_gives(case):
    batch, height, width, channels, filters, size, strides, padding = case

    def results(kind, dtype, kernel=True):
        """Output and gradients in input, bias and, where that is asked, kernel."""
        layer = kind(filters, size, strides=strides, padding=padding, dtype=dtype)
        x = tf.cast(bfloat16_values((batch, height, width, channels), seed=0), layer.compute_dtype)
        layer.build(x.shape)
        layer.set_weights([bfloat16_values(w.shape, seed=1) for w in layer.weights])
        sources = [x, layer.bias.value, *([layer.kernel.value] if kernel else [])]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            y = layer(x)
            dy = tf.cast(bfloat16_values(y.shape, seed=2), y.dtype)
        return [y, *tape.gradient(y, sources, output_gradients=dy)]

    *others, kernel_gradient = results(MatmulGradientConv2D, "mixed_bfloat16")
    # The filter gradient from float64: in bfloat16 and float32 TensorFlow's own writes past its memory where a 1x1
    # convolution with a stride has few channels, and the process dies some tests later.
    expected = [*results(keras.layers.Conv2D, "mixed_bfloat16", kernel=False)]
    for actual, plain in zip(others, expected, strict=True):
        assert actual.dtype == plain.dtype
        _assert_rounded_alike(actual, tf.cast(plain, tf.float64).numpy())
    assert kernel_gradient.dtype == tf.float32
    _assert_rounded_alike(kernel_gradient, results(keras.layers.Conv2D, "float64")[-1].numpy())


def _assert_rounded_alike(actual, expected):
    # Each rounds a float32 sum to bfloat16, 8 bits: half a step apart at most, and the sums differ in order.
    actual = tf.cast(actual, tf.float64)
    np.testing.assert_allclose(actual, expected, rtol=8e-3, atol=8e-3 * np.abs(expected).max())


def gradient_operations(layer, shape):
    """Types of the operations in the graph of the layer's filter gradient."""

    @tf.function
    def gradient(x):
        with tf.GradientTape() as tape:
            y = layer(x)
        return tape.gradient(y, layer.kernel.value)

    dtype = layer.compute_dtype
    return {op.type for op in gradient.get_concrete_function(tf.TensorSpec(shape, dtype)).graph.get_operations()}


@pytest.mark.parametrize(
    ("shape", "settings", "matmul"),
    [
        ((None, 8, 8, 4), {}, True),
        ((None, 10, 10, 4), {}, False),
        ((None, 16, 16, 4), {"strides": 2}, True),
        ((None, 10, 10, 4), {"padding": "valid"}, True),
        ((None, 32, 32, 4), {"kernel_size": 1}, True),
        ((None, 8, 8, 4), {"dtype": "float32"}, False),
        ((None, 8, 8, 4), {"kernel_size": 1, "strides": 2, "dtype": "float32"}, True),
        ((None, 8, 8, 16), {"kernel_size": 1, "strides": 2, "dtype": "float32"}, False),
        ((None, 8, 8, 4), {"dilation_rate": 2}, False),
        ((None, None, None, 4), {}, False),
    ],
)
def test_matrix_products_are_used_where_they_are_quicker(shape, settings, matmul):
    layer = MatmulGradientConv2D(
        **{"filters": 4, "kernel_size": 3, "padding": "same", "dtype": "mixed_bfloat16"} | settings
    )
    layer.build(shape)
    operations = gradient_operations(layer, shape)
    assert ("MatMul" in operations) == matmul
    assert ("Conv2DBackpropFilter" in operations) != matmul


def test_grouped_convolutions_are_left_to_keras():
    layer = MatmulGradientConv2D(4, 1, groups=2, dtype="mixed_bfloat16")
    layer.build((None, 8, 8, 4))
    assert "MatMul" not in gradient_operations(layer, (None, 8, 8, 4))
