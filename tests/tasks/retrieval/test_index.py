import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.evaluation import l2_normalize_rows
from byol_keras.tasks.retrieval import neighbors
from byol_keras.tasks.retrieval.index import ImageIndex
from byol_keras.tasks.retrieval.neighbors import ApproximateNeighbors

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
    with pytest.raises(InputError, match=rf"k must be from 1 to 3, .* Received: k={k}"):
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
    monkeypatch.setattr(neighbors, "APPROXIMATE_FROM", 4)
    source = small_index()
    assert source.neighbors.kind == "exact"
    source.add(["xy"], ["4"], [[1, 1, 0]])
    assert isinstance(source.neighbors, ApproximateNeighbors)
    assert source.names[source.nearest([[2, 1.9, 0]], 1)[0][0, 0]] == "xy"


def test_embeddings_keep_their_lengths_through_all_changes():
    index = ImageIndex("mark", ["x", "y", "z"], ["1", "2", "3"], np.array([[3, 4], [0, 0], [1, 1]]))
    index.remove([2])
    index.add(["w"], ["4"], [[-6, 8]])
    np.testing.assert_allclose(index.embeddings, [[3, 4], [0, 0], [-6, 8]], rtol=1e-6)
    np.testing.assert_allclose(index.vectors, l2_normalize_rows([[3, 4], [0, 0], [-6, 8]]), rtol=1e-6)


def some_index(count=40):
    generator = np.random.default_rng(0)
    names = [f"größe/{i}.jpg" for i in range(count)]
    return ImageIndex("mark", names, [f"{i}-7" for i in range(count)], generator.normal(size=(count, 6)))


def same(a, b):
    return (
        (a.encoder, a.names, a.stamps, a.neighbors.kind) == (b.encoder, b.names, b.stamps, b.neighbors.kind)
        and np.array_equal(a.vectors, b.vectors)
        and np.array_equal(a.embeddings, b.embeddings)
        and np.array_equal(a.nearest(a.vectors, 3)[0], b.nearest(b.vectors, 3)[0])
    )


@pytest.fixture(params=["exact", "approximate"])
def saved(request, tmp_path, monkeypatch):
    """An index and its file."""
    if request.param == "approximate":
        monkeypatch.setattr(neighbors, "APPROXIMATE_FROM", 20)
    written = some_index()
    assert written.neighbors.kind == request.param
    written.save(tmp_path / "sub" / "photos.index")
    return written, tmp_path / "sub" / "photos.index"


def test_what_is_written_is_read(saved):
    written, path = saved
    read = ImageIndex.load(path)
    assert same(read, written)
    assert [p.name for p in path.parent.iterdir()] == ["photos.index"]


def test_what_is_read_can_be_extended(saved):
    written, path = saved
    read = ImageIndex.load(path)
    more = np.random.default_rng(1).normal(size=(5, 6))
    for images in (written, read):
        images.remove([0, 39])
        images.add([str(i) for i in range(5)], ["1"] * 5, more)
    assert same(read, written)


def test_what_is_not_in_the_file_yet_is_known(saved):
    written, path = saved
    assert not written.unsaved
    assert some_index().unsaved
    read = ImageIndex.load(path)
    read.remove([])
    assert not read.unsaved
    for change in (lambda: read.remove([1]), lambda: read.add(["new"], ["1"], np.ones((1, 6)))):
        change()
        assert read.unsaved
        read.save(path)
        assert not read.unsaved


def test_a_graph_that_loading_had_to_make_is_not_in_the_file_yet(tmp_path, monkeypatch):
    some_index().save(tmp_path / "photos.index")
    monkeypatch.setattr(neighbors, "APPROXIMATE_FROM", 20)
    read = ImageIndex.load(tmp_path / "photos.index")
    assert (read.neighbors.kind, read.unsaved) == ("approximate", True)
    read.save(tmp_path / "photos.index")
    assert not ImageIndex.load(tmp_path / "photos.index").unsaved


def test_a_cut_off_file(saved):
    _, path = saved
    data = path.read_bytes()
    for length in (0, 1, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"photos\.index cannot be read as an index of images: it is cut off"):
            ImageIndex.load(path)


def test_a_file_with_one_wrong_byte_is_refused_or_gives_the_same(saved):
    written, path = saved
    data = path.read_bytes()
    refused = 0
    # A step that is prime to everything in the file; some bytes, such as those of dates, mean nothing.
    for position in range(0, len(data), 13):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])
        try:
            assert same(ImageIndex.load(path), written)
        except InputError:
            refused += 1
    assert refused > 0.9 * len(data) / 13


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "a.index").write_text("notes")
    np.savez(tmp_path / "b.npz", images=np.zeros(3))
    for name in ("a.index", "b.npz"):
        with pytest.raises(InputError, match="cannot be read as an index"):
            ImageIndex.load(tmp_path / name)
    with pytest.raises(InputError, match="No such index"):
        ImageIndex.load(tmp_path / "c")


def test_writing_over_an_older_one_leaves_it_whole_when_it_fails(saved, monkeypatch):
    written, path = saved
    before = path.read_bytes()

    def full(*_args, **_arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left"):
        written.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["photos.index"]
