"""The gauges against hand cases and NumPy's own decompositions."""

import numpy as np
import pytest
import tensorflow as tf

from byol_keras.gauges import effective_rank, target_std


@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        ([[3.0, 4.0], [3.0, 4.0], [30.0, 40.0]], 0.0),
        ([[1.0, 0.0], [0.0, 7.0]], 0.5**0.5),  # standard deviation 1/2 in both of 2 dimensions
        ([[2.0, 0.0], [-1.0, 0.0]], 0.5**0.5),  # 1 and 0
    ],
)
def test_target_std_of_hand_cases(projection, expected):
    assert float(target_std(tf.constant(projection))) == pytest.approx(expected, abs=1e-6)


def test_target_std_of_isotropic_vectors_is_about_one():
    vectors = np.random.default_rng(2).normal(size=(2000, 64)).astype(np.float32)
    assert float(target_std(vectors)) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([[5.0, 5.0], [5.0, 5.0], [5.0, 5.0]], 1.0),
        ([[2.0, 0.0, 0.0], [0.0, -2.0, 0.0]], 2.0),
        # Singular values 3 and 1: shares 3/4 and 1/4, entropy 0.5623351.
        ([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]], 1.7547653),
        ([[0.0, 0.0], [0.0, 0.0]], 1.0),
    ],
)
def test_effective_rank_of_hand_cases(vectors, expected):
    assert float(effective_rank(tf.constant(vectors))) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(20, 50), (50, 20)])
@pytest.mark.parametrize("size", [1e-15, 1.0, 1e15])
def test_effective_rank_is_that_of_the_singular_values(shape, size):
    rng = np.random.default_rng(3)
    vectors = (size * (rng.normal(size=shape) * np.geomspace(1, 1e-3, shape[1]) + 0.3)).astype(np.float32)
    values = np.linalg.svd(vectors.astype(np.float64), compute_uv=False)
    shares = values / values.sum() + 1e-7
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert float(effective_rank(vectors)) == pytest.approx(expected, rel=1e-4)
    assert float(tf.function(effective_rank)(vectors)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("rank", "lowest", "highest"), [(1, 1, 1.001), (2, 1.9, 2), (8, 7.5, 8), (256, 150, 256)])
def test_lost_dimensions_are_seen_where_target_std_sees_none(rank, lowest, highest):
    rng = np.random.default_rng(4)
    vectors = (rng.normal(size=(512, rank)) @ rng.normal(size=(rank, 256))).astype(np.float32)
    assert target_std(vectors) > 0.75
    assert lowest <= float(effective_rank(vectors)) <= highest


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_effective_rank_of_what_is_not_finite_is_nan(value):
    vectors = np.ones((6, 4), np.float32)
    vectors[2, 1] = value
    assert np.isnan(float(tf.function(effective_rank)(vectors)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("gauge", [target_std, effective_rank])
def test_half_precision_is_computed_in_float32(gauge, dtype):
    # The square of 300 is beyond float16.
    vectors = tf.cast(300 * np.random.default_rng(1).normal(size=(8, 5)), dtype)
    assert gauge(vectors).dtype == tf.float32
    assert float(gauge(vectors)) == pytest.approx(float(gauge(tf.cast(vectors, tf.float32))), rel=1e-6)
