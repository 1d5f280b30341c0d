import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.retrieval import ImageIndex, index, read_index, write_index


def some_index(count=40):
    generator = np.random.default_rng(0)
    names = [f"größe/{i}.jpg" for i in range(count)]
    return ImageIndex("mark", names, [f"{i}-7" for i in range(count)], generator.normal(size=(count, 6)))


def same(a, b):
    return (
        (a.encoder, a.names, a.stamps, a.neighbors.kind) == (b.encoder, b.names, b.stamps, b.neighbors.kind)
        and np.array_equal(a.vectors, b.vectors)
        and np.array_equal(a.nearest(a.vectors, 3)[0], b.nearest(b.vectors, 3)[0])
    )


@pytest.fixture(params=["exact", "approximate"])
def kept(request, tmp_path, monkeypatch):
    """An index and its file."""
    if request.param == "approximate":
        monkeypatch.setattr(index, "APPROXIMATE_FROM", 20)
    written = some_index()
    assert written.neighbors.kind == request.param
    write_index(written, tmp_path / "sub" / "photos.index")
    return written, tmp_path / "sub" / "photos.index"


def test_what_is_written_is_read(kept):
    written, path = kept
    read = read_index(path)
    assert same(read, written)
    assert [p.name for p in path.parent.iterdir()] == ["photos.index"]


def test_what_is_read_can_be_extended(kept):
    written, path = kept
    read = read_index(path)
    more = np.random.default_rng(1).normal(size=(5, 6))
    for images in (written, read):
        images.remove([0, 39])
        images.add([str(i) for i in range(5)], ["1"] * 5, more)
    assert same(read, written)


def test_a_cut_off_file(kept):
    _, path = kept
    data = path.read_bytes()
    for length in (0, 1, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"photos\.index cannot be read as an index of images: it is cut off"):
            read_index(path)


def test_a_file_with_one_wrong_byte_is_refused_or_gives_the_same(kept):
    written, path = kept
    data = path.read_bytes()
    refused = 0
    # A step that is prime to everything in the file; some bytes, such as those of dates, mean nothing.
    for position in range(0, len(data), 13):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x55]) + data[position + 1 :])
        try:
            assert same(read_index(path), written)
        except InputError:
            refused += 1
    assert refused > 0.9 * len(data) / 13


def test_a_file_of_something_else(tmp_path):
    (tmp_path / "a.index").write_text("notes")
    np.savez(tmp_path / "b.npz", images=np.zeros(3))
    for name in ("a.index", "b.npz"):
        with pytest.raises(InputError, match="cannot be read as an index"):
            read_index(tmp_path / name)
    with pytest.raises(InputError, match="No such index"):
        read_index(tmp_path / "c")


def test_writing_over_an_older_one_leaves_it_whole_when_it_fails(kept, monkeypatch):
    written, path = kept
    before = path.read_bytes()

    def full(*_args, **_arrays):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        write_index(written, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["photos.index"]
