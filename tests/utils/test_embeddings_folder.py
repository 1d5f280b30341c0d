import numpy as np
import pyarrow.parquet as pq
import pytest

from byol_keras.errors import InputError
from byol_keras.utils.embedding_parts import MANIFEST, EmbeddingsManifest, part_table
from byol_keras.utils.embeddings_folder import (
    begin_embeddings,
    is_embeddings_folder,
    read_embeddings,
    read_excluded,
    unfinished_parts,
    write_part,
)

WORK = EmbeddingsManifest("a" * 64, "/photos", "float32", 2, 5)
VECTORS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def write(folder, number, rows, labels=None, excluded=()):
    names = [f"{row}.png" for row in rows]
    write_part(folder, number, part_table(names, VECTORS[rows], labels), excluded)


@pytest.fixture
def begun(tmp_path):
    begin_embeddings(tmp_path, WORK, [f"{i}.png" for i in range(5)])
    return tmp_path


def test_parts_are_read_in_their_order(begun):
    write(begun, 1, [3, 4])
    assert unfinished_parts(begun, WORK) == [0]
    with pytest.raises(InputError, match=r"not finished: 1 of 2 parts are missing, the first part-00000\.parquet"):
        read_embeddings(begun)
    write(begun, 0, [0, 1, 2], excluded=[("9.png", "gone")])
    read = read_embeddings(begun)
    assert (read.manifest, read.names, read.labels) == (WORK, [f"{i}.png" for i in range(5)], None)
    np.testing.assert_array_equal(read.vectors, VECTORS)
    assert read_excluded(begun) == [("9.png", "gone")]
    # For all other readers it is one table.
    assert pq.read_table(begun)["name"].to_pylist() == read.names


def test_labels_are_read_where_every_image_has_one(begun):
    write(begun, 0, [0, 1, 2], np.array([2, 0, 1]))
    write(begun, 1, [3, 4], np.array([1, 1]))
    np.testing.assert_array_equal(read_embeddings(begun).labels, [2, 0, 1, 1, 1])
    write(begun, 1, [3, 4])
    assert read_embeddings(begun).labels is None


def test_a_part_made_anew_leaves_nothing_of_the_old_one(begun):
    write(begun, 0, [0, 1], excluded=[("2.png", "gone")])
    write(begun, 0, [0, 1, 2])
    assert read_excluded(begun) == []


def test_names_are_those_of_the_beginning(begun):
    names = [f"{i}.png" for i in range(5)]
    assert begin_embeddings(begun, WORK, names)[1] is names
    later = EmbeddingsManifest(**{**vars(WORK), "parts": 9, "images": 81})
    assert begin_embeddings(begun, later, ["other.png"]) == (WORK, names)


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds other files \(photo\.png\)"):
        begin_embeddings(tmp_path, WORK, ["a"])
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert not is_embeddings_folder(tmp_path)
    with pytest.raises(InputError, match="No embeddings in"):
        read_embeddings(tmp_path)


def test_damage_is_said(begun):
    write(begun, 0, [0, 1, 2])
    write(begun, 1, [3, 4])
    part = begun / "part-00001.parquet"
    content = bytearray(part.read_bytes())
    content[60] ^= 1  # in the first column, behind whose header it is
    part.write_bytes(content)
    with pytest.raises(InputError, match=r"part-00001\.parquet cannot be read: .*Delete it"):
        read_embeddings(begun)
    (begun / MANIFEST).write_text("{")
    with pytest.raises(InputError, match=rf"{MANIFEST} cannot be read"):
        read_embeddings(begun)
