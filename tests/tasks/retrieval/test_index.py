import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.retrieval import ApproximateNeighbors, ImageIndex, index

AXES = np.eye(3, dtype=np.float32)


def small_index():
    return ImageIndex("mark", ["x", "y", "z"], ["1", "2", "3"], 5 * AXES)


def test_names_follow_what_is_added_and_removed():
    source = small_index()
    source.remove([1])
    source.add(["xy"], ["4"], [[1, 1, 0]])
    assert (source.names, source.stamps) == (["x", "z", "xy"], ["1", "3", "4"])
    positions, distances = source.nearest([[0, 2, 0]], 3)
    assert source.names[positions[0, 0]] == "xy"
    np.testing.assert_allclose(distances, [[1 - np.sqrt(0.5), 1, 1]], atol=1e-6)


@pytest.mark.parametrize("k", [0, 4])
def test_more_neighbors_than_images(k):
    with pytest.raises(InputError, match=rf"{k} neighbors are asked of an index of 3 images: ask 1 to 3"):
        small_index().nearest(AXES, k)


def test_embeddings_of_another_length():
    with pytest.raises(InputError, match=r"must be \(n, 3\)"):
        small_index().nearest(np.zeros((1, 4)), 1)
    with pytest.raises(InputError, match=r"must be \(n, 3\)"):
        small_index().add(["w"], ["1"], np.zeros((1, 4)))


def test_a_name_twice():
    with pytest.raises(InputError, match="twice: 'x'"):
        ImageIndex("mark", ["x", "x"], ["1", "1"], AXES[:2])
    images = small_index()
    with pytest.raises(InputError, match="twice: 'y'"):
        images.add(["w", "y"], ["1", "1"], AXES[:2])
    assert len(images) == 3


def test_as_many_names_as_embeddings():
    with pytest.raises(InputError, match="2 names, 2 stamps"):
        ImageIndex("mark", ["x", "y"], ["1", "2"], AXES)


def test_a_large_index_is_searched_by_a_graph(monkeypatch):
    monkeypatch.setattr(index, "APPROXIMATE_FROM", 4)
    source = small_index()
    assert source.neighbors.kind == "exact"
    source.add(["xy"], ["4"], [[1, 1, 0]])
    assert isinstance(source.neighbors, ApproximateNeighbors)
    assert source.names[source.nearest([[2, 1.9, 0]], 1)[0][0, 0]] == "xy"
