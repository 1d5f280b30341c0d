import numpy as np
import pytest
import tensorflow as tf

from byol_keras.losses import coding_rate, l2_normalize, regression_loss


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0),
        ([3.0, 4.0], [30.0, 40.0], 0.0),
        ([3.0, 4.0], [4.0, 3.0], 0.08),  # (0.6 - 0.8)^2 + (0.8 - 0.6)^2
        ([0.0, 5.0], [2.0, 0.0], 2.0),
        ([3.0, 4.0], [-3.0, -4.0], 4.0),
    ],
)
def test_regression_loss_of_hand_cases(prediction, target, expected):
    loss = regression_loss(tf.constant([prediction]), tf.constant([target]))
    assert loss.shape == (1,)
    assert float(loss[0]) == pytest.approx(expected, abs=1e-6)


def test_regression_loss_is_two_minus_two_cosines_and_stays_in_range():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500, 3))
    cosine = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
    loss = regression_loss(tf.constant(a, tf.float32), tf.constant(b, tf.float32)).numpy()
    np.testing.assert_allclose(loss, 2 - 2 * cosine, atol=1e-5)
    assert loss.min() >= 0
    assert loss.max() <= 4 + 1e-6


def test_a_zero_vector_is_left_zero_and_has_finite_gradients():
    zero, unit = tf.zeros([1, 2]), tf.constant([[0.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(zero)
        loss = regression_loss(zero, unit)
    assert float(loss[0]) == pytest.approx(1.0)
    assert np.isfinite(tape.gradient(loss, zero)).all()
    assert float(regression_loss(unit, tf.zeros([1, 2]))[0]) == pytest.approx(1.0)
    assert float(regression_loss(tf.zeros([1, 2]), tf.zeros([1, 2]))[0]) == 0.0


def test_squared_norms_below_1e_12_count_as_1e_12():
    # A length of 1e-7 is divided by 1e-6.
    np.testing.assert_allclose(l2_normalize(tf.constant([[1e-7, 0.0]])), [[0.1, 0.0]], rtol=1e-5)
    np.testing.assert_allclose(l2_normalize(tf.constant([[1e-5, 0.0]])), [[1.0, 0.0]], rtol=1e-5)


def test_no_gradient_reaches_the_target():
    prediction, target = tf.constant([[3.0, 4.0]]), tf.constant([[4.0, 3.0]])
    with tf.GradientTape() as tape:
        tape.watch([prediction, target])
        loss = regression_loss(prediction, target)
    to_prediction, to_target = tape.gradient(loss, [prediction, target], unconnected_gradients="zero")
    # d/dp |n - b|^2 = -2 (b - (b.n) n) / |p| with n = (0.6, 0.8), b = (0.8, 0.6), |p| = 5.
    np.testing.assert_allclose(to_prediction, [[-0.0896, 0.0672]], atol=1e-6)
    np.testing.assert_array_equal(to_target, [[0.0, 0.0]])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_inputs_are_computed_in_float32(dtype):
    rng = np.random.default_rng(1)
    # The square of 300 is beyond float16.
    a, b = (tf.cast(tf.constant(300 * rng.normal(size=(8, 5)), tf.float32), dtype) for _ in range(2))
    exact_a, exact_b = (tf.cast(x, tf.float64).numpy() for x in (a, b))
    cosine = (exact_a * exact_b).sum(1) / np.sqrt((exact_a**2).sum(1) * (exact_b**2).sum(1))
    loss = regression_loss(a, b)
    assert loss.dtype == tf.float32
    np.testing.assert_allclose(loss, 2 - 2 * cosine, atol=1e-5)


@pytest.mark.parametrize(("rows", "dimensions"), [(5, 8), (12, 8)])
def test_coding_rate_is_half_the_log_determinant_for_each_vector(rows, dimensions):
    vectors = np.random.default_rng(0).normal(size=(rows, dimensions))
    z = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    _, log_determinant = np.linalg.slogdet(np.eye(dimensions) + dimensions / (rows * 0.04) * z.T @ z)
    expected = pytest.approx(log_determinant / (2 * rows), rel=1e-5)
    assert float(coding_rate(tf.constant(3 * vectors, tf.float32))) == expected
    # In a graph that does not know how many there are.
    unknown = tf.function(coding_rate, input_signature=[tf.TensorSpec([None, dimensions])])
    assert float(unknown(tf.constant(vectors, tf.float32))) == expected


def test_coding_rate_of_hand_cases():
    one_direction = tf.constant([[1.0, 0.0, 0.0, 0.0]] * 3)
    assert float(coding_rate(one_direction)) == pytest.approx(np.log(1 + 4 / 0.04) / 6, rel=1e-5)
    assert float(coding_rate(tf.eye(3, 4))) == pytest.approx(np.log(1 + 4 / (3 * 0.04)) / 2, rel=1e-5)
    assert float(coding_rate(tf.constant([[0.0, 2.0]], tf.bfloat16))) == pytest.approx(np.log(51) / 2, rel=1e-5)


def test_gradients_of_the_coding_rate_are_finite_where_vectors_are_alike_or_zero():
    for vectors in (tf.ones([4, 6]), tf.zeros([4, 6])):
        with tf.GradientTape() as tape:
            tape.watch(vectors)
            rate = coding_rate(vectors)
        assert np.isfinite(tape.gradient(rate, vectors)).all()
