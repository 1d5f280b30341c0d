"""The exact and the approximate neighbors, which have one interface."""

import numpy as np
import pytest

from byol_keras.evaluation import l2_normalize_rows, nearest
from byol_keras.tasks.retrieval.neighbors import ApproximateNeighbors, ExactNeighbors


def vectors(count, seed, width=24):
    """As encoders give them: not negative, and of fewer dimensions than they have numbers."""
    mixing = np.random.default_rng(9).normal(size=(8, width))
    generator = np.random.default_rng(seed)
    return l2_normalize_rows(
        np.maximum(generator.normal(size=(count, 8)) @ mixing, 0) + 0.05 * generator.random((count, width))
    )


@pytest.mark.parametrize("kind", [ExactNeighbors, ApproximateNeighbors])
def test_distances_are_exact_and_sorted_and_nearly_nothing_is_missed(kind):
    base, queries = vectors(3000, 0), vectors(50, 1)
    rows, distances = kind(base).nearest(3 * queries, 10)
    expected, _ = nearest(queries, base, 10)
    np.testing.assert_allclose(distances, 1 - np.einsum("qd,qkd->qk", queries, base[rows]), atol=1e-6)
    assert (np.diff(distances) >= 0).all()
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(rows, expected, strict=True)]) > 0.99


@pytest.mark.parametrize("kind", [ExactNeighbors, ApproximateNeighbors])
def test_added_and_removed_vectors(kind):
    base, more = vectors(400, 0), vectors(100, 1)
    neighbors = kind(base)
    gone = np.array([399, 5, 0, *range(100, 200)])
    neighbors.remove(gone)
    neighbors.add(more)
    left = np.concatenate([np.delete(base, gone, axis=0), more])
    np.testing.assert_array_equal(neighbors.vectors, left)
    rows, distances = neighbors.nearest(left, 1)
    np.testing.assert_array_equal(rows[:, 0], np.arange(len(left)))
    assert distances.max() < 1e-6


@pytest.mark.parametrize("kind", [ExactNeighbors, ApproximateNeighbors])
def test_all_removed_and_begun_again(kind):
    neighbors = kind(vectors(20, 0))
    neighbors.remove(np.arange(20))
    neighbors.add(vectors(30, 1))
    assert neighbors.nearest(vectors(30, 1), 1)[0][:, 0].tolist() == list(range(30))


@pytest.mark.parametrize("kind", [ExactNeighbors, ApproximateNeighbors])
def test_all_of_them_can_be_asked_for(kind):
    base = vectors(300, 0)
    rows, _ = kind(base).nearest(base[:2], 300)
    assert [sorted(row) for row in rows.tolist()] == [list(range(300))] * 2


def test_the_graph_is_the_same_each_time_and_goes_on_from_its_bytes():
    base, more = vectors(500, 0), vectors(50, 1)
    first, second = ApproximateNeighbors(base), ApproximateNeighbors(base)
    assert first.saved_graph() == second.saved_graph()
    first.remove(np.arange(100))
    loaded = ApproximateNeighbors(first.vectors, first.keys, first.saved_graph())
    for neighbors in (first, loaded):
        neighbors.add(more)
    np.testing.assert_array_equal(first.nearest(vectors(20, 2), 5)[0], loaded.nearest(vectors(20, 2), 5)[0])
