import numpy as np
import pytest

from byol_keras.evaluation import l2_normalize_rows, nearest, neighbors


def test_nearest_is_by_direction_and_nearest_first():
    vectors = l2_normalize_rows([[1.0, 0.0], [0.0, 1.0], [10.0, 10.0], [-1.0, 0.0]])
    indices, distances = nearest(l2_normalize_rows([[5.0, 0.0]]), vectors, 4)
    assert indices.tolist() == [[0, 2, 1, 3]]
    # 1 - cosine of 0, 45, 90 and 180 degrees.
    np.testing.assert_allclose(distances, [[0, 1 - np.sqrt(0.5), 1, 2]], atol=1e-6)


def test_a_vector_of_zeros_is_as_far_from_all():
    np.testing.assert_array_equal(
        nearest(l2_normalize_rows([[0.0, 0.0]]), l2_normalize_rows([[1.0, 0.0], [3.0, 4.0]]), 2)[1], [[1, 1]]
    )


def test_a_vector_is_at_no_negative_distance_from_itself():
    vectors = l2_normalize_rows(np.random.default_rng(0).normal(size=(200, 33)))
    indices, distances = nearest(vectors, vectors, 1)
    assert indices[:, 0].tolist() == list(range(200))
    assert distances.min() >= 0
    assert distances.max() < 1e-6


@pytest.mark.parametrize("block_bytes", [1, 4 * 50 * 7, 1 << 20])
def test_blocks_do_not_matter(block_bytes, monkeypatch):
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", block_bytes)
    generator = np.random.default_rng(1)
    queries, vectors = (
        l2_normalize_rows(generator.normal(size=(20, 6))),
        l2_normalize_rows(generator.normal(size=(50, 6))),
    )
    indices, distances = nearest(queries, vectors, 5)
    similarity = queries.astype(np.float64) @ vectors.astype(np.float64).T
    np.testing.assert_array_equal(indices, np.argsort(-similarity, axis=1)[:, :5])
    np.testing.assert_allclose(distances, 1 - np.sort(similarity, axis=1)[:, :-6:-1], atol=1e-6)


def test_of_equal_ones_the_first_comes_first():
    assert neighbors.top_k(np.array([[0.5, 0.9, 0.5, 0.1]]), 3).tolist() == [[1, 0, 2]]
