import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist, squareform

from byol_keras.errors import InputError
from byol_keras.evaluation import l2_normalize_rows, neighbors
from byol_keras.tasks.retrieval.duplicates import close_pairs, duplicate_groups, mean_distance, usual_threshold


def on_a_circle(*degrees):
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def below(degrees):
    """The cosine distance of two vectors so many degrees apart."""
    return 1 - np.cos(np.deg2rad(degrees))


def test_pairs_and_their_distances_by_hand():
    first, second, distances = close_pairs(on_a_circle(0, 50, 3, 51, 200), below(4))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 2), (1, 3)]
    np.testing.assert_allclose(distances, [below(3), below(1)], atol=1e-6)


def test_every_two_of_a_group_are_alike_and_the_surest_group_comes_first():
    # 0, 2, 5, 8.5 are a chain of small steps, 0 to 5 and 5 to 8.5 too far for one group; 101 is nearest to 100.
    groups = duplicate_groups(on_a_circle(5, 100, 0, 50, 2, 101, 8.5), below(4))
    assert [group.tolist() for group in groups] == [[1, 5], [2, 4], [0, 6]]


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_those_of_scipys_complete_linkage(seed):
    rng = np.random.default_rng(seed)
    vectors = l2_normalize_rows(rng.normal(size=(120, 4)) + 2 * rng.normal(size=(120, 1)))
    threshold = 0.15
    distances = pdist(vectors.astype(np.float64), "cosine")
    label = fcluster(linkage(distances, "complete"), threshold, "distance")
    expected = {tuple(np.flatnonzero(label == each)) for each in np.unique(label) if np.sum(label == each) > 1}
    groups = duplicate_groups(vectors, threshold)
    assert {tuple(group.tolist()) for group in groups} == expected
    nearest = [min(squareform(distances)[np.ix_(group, group)][np.triu_indices(len(group), 1)]) for group in groups]
    assert nearest == sorted(nearest)


def test_nothing_alike():
    assert duplicate_groups(on_a_circle(0, 90, 180), 0.005) == []
    assert duplicate_groups(on_a_circle(0), 0.005) == []


@pytest.mark.parametrize("block_bytes", [1, 4 * 90 * 7, 1 << 20])
def test_blocks_do_not_matter(block_bytes, monkeypatch):
    vectors = l2_normalize_rows(np.random.default_rng(0).normal(size=(90, 3)))
    whole = close_pairs(vectors, 0.02)
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", block_bytes)
    for a, b in zip(close_pairs(vectors, 0.02), whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    exact = 1 - vectors.astype(np.float64) @ vectors.astype(np.float64).T
    assert set(zip(*(part.tolist() for part in whole[:2]), strict=True)) == {
        (i, j) for i in range(90) for j in range(i + 1, 90) if exact[i, j] < 0.02
    }


@pytest.mark.parametrize("threshold", [0, -0.1, 2.1, float("nan")])
def test_a_threshold_out_of_range(threshold):
    with pytest.raises(InputError, match=rf"above 0 and at most 2\. Received: threshold={threshold}"):
        duplicate_groups(on_a_circle(0, 1), threshold)


def test_a_threshold_below_which_everything_is():
    with pytest.raises(InputError, match="More than 50 pairs for each image"):
        duplicate_groups(on_a_circle(*np.linspace(0, 1, 200)), 0.1)


def test_the_mean_distance_is_that_of_all_pairs():
    vectors = np.random.default_rng(0).normal(1, 1, (30, 5))
    normed = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = (1 - normed @ normed.T)[np.triu_indices(30, 1)]
    assert mean_distance(vectors) == pytest.approx(pairs.mean(), abs=1e-6)
    assert usual_threshold(vectors) == pytest.approx(0.02 * pairs.mean(), abs=1e-6)
    assert mean_distance(vectors[:1]) == 0


def test_equal_images_are_found_even_among_nothing_else():
    vectors = np.tile(np.random.default_rng(0).normal(size=(1, 64)), (5, 1))
    assert [group.tolist() for group in duplicate_groups(vectors)] == [[0, 1, 2, 3, 4]]


def test_any_number_of_equal_images_is_one_group():
    angles = np.zeros(600)
    angles[::2], angles[1::6], angles[3::6], angles[5::6] = 90, 1, 45, 200 + np.arange(100)
    groups = duplicate_groups(on_a_circle(*angles), below(0.5))
    assert [group.tolist() for group in groups] == [[*range(0, 600, 2)], [*range(1, 600, 6)], [*range(3, 600, 6)]]
    # One that is near joins them.
    groups = duplicate_groups(on_a_circle(*np.zeros(200), 0.4, 90), below(0.5))
    assert [group.tolist() for group in groups] == [[*range(201)]]
