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


def gradient_by_definition(x, dy, size, strides, padding):
    """The gradient of a convolution in its filter, float64: what lies under each tap, times dy, added up.

    Not TensorFlow's own: of a strided 1x1 convolution with few channels it writes past its memory, in every dtype, and
    the process dies then or some tests later.
    """
    patches = tf.image.extract_patches(x, [1, *size, 1], [1, *strides, 1], [1, 1, 1, 1], padding.upper())
    return np.einsum("bhwp,bhwk->pk", patches, dy).reshape(*size, x.shape[-1], dy.shape[-1])


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=str)
def test_filter_gradient_is_the_gradient_of_the_convolution(case):
    batch, height, width, channels, filters, size, strides, padding = case
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(batch, height, width, channels)), tf.float64)
    shape = tf.nn.conv2d(x, tf.zeros((*size, channels, filters), tf.float64), strides, padding.upper()).shape
    dy = tf.constant(rng.normal(size=shape), tf.float64)
    actual = filter_gradient(x, dy, size, strides, padding.upper())
    np.testing.assert_allclose(actual, gradient_by_definition(x, dy, size, strides, padding), rtol=1e-10, atol=1e-10)


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

    x = bfloat16_values((batch, height, width, channels), seed=0)

    def results(kind, kernel):
        """Output and gradients in input, bias and, where that is asked, kernel; and the gradient they come from."""
        layer = kind(filters, size, strides=strides, padding=padding, dtype="mixed_bfloat16")
        inputs = tf.cast(x, tf.bfloat16)
        layer.build(x.shape)
        layer.set_weights([bfloat16_values(w.shape, seed=1) for w in layer.weights])
        sources = [inputs, layer.bias.value, *([layer.kernel.value] if kernel else [])]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            y = layer(inputs)
            dy = bfloat16_values(y.shape, seed=2)
        return [y, *tape.gradient(y, sources, output_gradients=tf.cast(dy, y.dtype))], dy

    (*others, kernel_gradient), dy = results(MatmulGradientConv2D, kernel=True)
    plain, _ = results(keras.layers.Conv2D, kernel=False)
    for actual, expected in zip(others, plain, strict=True):
        assert actual.dtype == expected.dtype
        _assert_rounded_alike(actual, tf.cast(expected, tf.float64).numpy())
    assert kernel_gradient.dtype == tf.float32
    _assert_rounded_alike(kernel_gradient, gradient_by_definition(tf.constant(x), dy, size, strides, padding))


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
