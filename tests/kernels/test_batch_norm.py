import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras.kernels.batch_norm import FusedBatchNormalization

SHAPES = [(16, 5), (6, 4, 3, 5)]
# Keras computes the whole layer in float32 and rounds once; the kernel rounds its input and output.
TOLERANCE = {"float32": 1e-5, "mixed_float16": 4e-3, "mixed_bfloat16": 3e-2}


def pair(shape, dtype="float32"):
    """Ours and the plain Keras layer with the same constants, gamma and beta; an input and an output gradient."""
    rng = np.random.default_rng(0)
    constants = {"momentum": 0.9, "epsilon": 1e-5, "dtype": dtype}
    ours, plain = FusedBatchNormalization(**constants), keras.layers.BatchNormalization(**constants)
    weights = [rng.uniform(0.5, 2, 5), rng.normal(size=5), rng.normal(size=5), rng.uniform(0.5, 2, 5)]
    for layer in (ours, plain):
        layer.build(shape)
        layer.set_weights(weights)
    x = tf.cast(2 + 3 * rng.normal(size=shape), ours.compute_dtype)
    return ours, plain, x, tf.cast(rng.normal(size=shape), ours.compute_dtype)


def run(layer, x, dy, training=True):
    """The output, and its gradients in x, gamma and beta, as float32 arrays."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
    gradients = tape.gradient(y, [x, layer.gamma.value, layer.beta.value], output_gradients=dy)
    return [tf.cast(t, tf.float32).numpy() for t in (y, *gradients)]


def assert_close(actual, expected, tolerance):
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_training_gives_what_the_keras_layer_gives(shape, dtype):
    ours, plain, x, dy = pair(shape, dtype)
    for actual, expected in zip(run(ours, x, dy), run(plain, x, dy), strict=True):
        assert_close(actual, expected, TOLERANCE[dtype])
    assert ours.moving_mean.dtype == "float32"
    # Statistics are taken in float32 from the same rounded input.
    np.testing.assert_allclose(ours.moving_mean.numpy(), plain.moving_mean.numpy(), rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance.numpy(), plain.moving_variance.numpy(), rtol=1e-5)
    assert ours(x, training=True).dtype == ours.compute_dtype


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_policies_the_fused_kernel_does_not_know_still_work(dtype):
    ours, plain, x, _ = pair((6, 4, 3, 5), dtype)
    y, expected = ours(x, training=True), plain(x, training=True)
    np.testing.assert_allclose(tf.cast(y, tf.float32), tf.cast(expected, tf.float32), atol=5e-2)


@pytest.mark.parametrize("shape", SHAPES)
def test_training_gives_the_numbers_of_the_definition(shape):
    ours, _, x, _ = pair(shape)
    gamma, beta, moving_mean, moving_variance = (w.astype(np.float64) for w in ours.get_weights())
    exact = x.numpy().astype(np.float64).reshape(-1, 5)
    mean, variance = exact.mean(0), ((exact - exact.mean(0)) ** 2).mean(0)
    y = gamma * (exact - mean) / np.sqrt(variance + 1e-5) + beta
    np.testing.assert_allclose(ours(x, training=True).numpy().reshape(-1, 5), y, atol=1e-5)
    np.testing.assert_allclose(ours.moving_mean.numpy(), 0.9 * moving_mean + 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance.numpy(), 0.9 * moving_variance + 0.1 * variance, rtol=1e-5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(1, 5), (1, 1, 1, 5)])
def test_one_element_a_channel_gives_beta(shape, dtype):
    ours, _, x, dy = pair(shape, dtype)
    _, beta, mean, variance = ours.get_weights()
    y, to_x, to_gamma, to_beta = run(ours, x, dy)
    np.testing.assert_allclose(y.ravel(), beta, rtol=TOLERANCE[dtype])
    np.testing.assert_array_equal(to_x, np.zeros(shape))
    np.testing.assert_array_equal(to_gamma, np.zeros(5))
    np.testing.assert_array_equal(to_beta, tf.cast(dy, tf.float32).numpy().ravel())
    value = tf.cast(x, tf.float32).numpy().ravel()
    np.testing.assert_allclose(ours.moving_mean.numpy(), 0.9 * mean + 0.1 * value, rtol=1e-5)
    np.testing.assert_allclose(ours.moving_variance.numpy(), 0.9 * variance, rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_inference_uses_the_moving_statistics_and_leaves_them(shape):
    ours, _, x, _ = pair(shape)
    gamma, beta, mean, variance = before = ours.get_weights()
    for training in (False, None):
        y = ours(x, training=training)
        np.testing.assert_allclose(y, gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta, atol=1e-5)
    for weight, old in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_frozen_layer_is_in_inference_mode():
    ours, _, x, _ = pair((6, 4, 3, 5))
    before = ours.get_weights()
    expected = ours(x, training=False)
    ours.trainable = False
    np.testing.assert_array_equal(ours(x, training=True), expected)
    for weight, old in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_both_modes_run_on_the_fused_kernel(shape, training):
    layer = FusedBatchNormalization()
    layer.build(shape)
    graph = tf.function(lambda x: layer(x, training=training)).get_concrete_function(tf.TensorSpec(shape)).graph
    assert "FusedBatchNormV3" in {op.type for op in graph.get_operations()}


@pytest.mark.parametrize(
    ("shape", "settings"),
    [((6, 5), {"scale": False}), ((6, 5), {"center": False}), ((6, 3, 5), {}), ((6, 5, 4, 3), {"axis": 1})],
)
def test_what_the_kernel_cannot_do_is_left_to_keras(shape, settings):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    ours, plain = FusedBatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    np.testing.assert_allclose(ours(x, training=True), plain(x, training=True), atol=1e-5)
    for actual, expected in zip(ours.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_masked_steps_do_not_count():
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    masked, part = FusedBatchNormalization(momentum=0.0), FusedBatchNormalization(momentum=0.0)
    masked(x, training=True, mask=np.array([True, True, False, True]))
    part(x[[0, 1, 3]], training=True)
    np.testing.assert_allclose(masked.moving_mean.numpy(), part.moving_mean.numpy(), rtol=1e-5)


def test_numbers_are_the_same_compiled_by_xla():
    ours, _, x, _ = pair((6, 4, 3, 5))
    start = ours.get_weights()
    y = ours(x, training=True)
    statistics = ours.get_weights()[2:]
    ours.set_weights(start)
    compiled = tf.function(lambda x: ours(x, training=True), jit_compile=True)
    np.testing.assert_allclose(compiled(x), y, atol=1e-5)
    for actual, expected in zip(ours.get_weights()[2:], statistics, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)
