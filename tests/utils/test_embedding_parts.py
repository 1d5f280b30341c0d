import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from byol_keras.errors import InputError
from byol_keras.utils.embedding_parts import (
    EmbeddingsManifest,
    check_same_work,
    excluded_table,
    is_whole,
    part_table,
    write_table,
)

BEGUN = EmbeddingsManifest("a" * 64, "/photos", "float32", 3, 25, ("cat", "dog"), "12-34", (0, 4095))


def test_a_manifest_is_read_as_it_was_written():
    for manifest in (BEGUN, dataclasses.replace(BEGUN, class_names=None, value_range=None)):
        assert EmbeddingsManifest.from_json(manifest.to_json()) == manifest
    for text in ("[]", "{}", BEGUN.to_json().replace("embeddings 1", "embeddings 9"), BEGUN.to_json()[:40]):
        with pytest.raises(ValueError, match=r"its format is not|Unterminated|Expecting"):
            EmbeddingsManifest.from_json(text)
    with pytest.raises(ValueError, match="unexpected keyword"):
        EmbeddingsManifest.from_json(BEGUN.to_json().replace("stamp", "color"))


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("encoder", r"with another encoder \(aaaaaaaaaaaa, this is other\)"),
        ("source", r"of another source \(/photos, this is other\)"),
        ("stamp", "before /photos was changed"),
        ("precision", r"in another precision \(float32, this is other\)"),
        ("value_range", r"with another value range \(\(0, 4095\), this is other\)"),
    ],
)
def test_other_work_is_refused_in_one_line(field, said):
    check_same_work(BEGUN, BEGUN, "out.parquet")
    with pytest.raises(InputError, match=rf"^out.parquet was begun {said}: name another folder") as error:
        check_same_work(BEGUN, EmbeddingsManifest(**{**vars(BEGUN), field: "other"}), "out.parquet")
    assert "\n" not in str(error.value)


def test_a_part_has_the_columns_that_other_tools_read(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    write_table(part_table(["a", "b/ü", "c"], vectors, np.array([1, 0, 2])), tmp_path / "a.parquet")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.equals(
        pa.schema([("name", pa.string()), ("embedding", pa.list_(pa.float32(), 5)), ("label", pa.int64())])
    )
    assert table["name"].to_pylist() == ["a", "b/ü", "c"]
    assert table["label"].to_pylist() == [1, 0, 2]
    np.testing.assert_array_equal(np.array(table["embedding"].to_pylist(), np.float32), vectors)
    assert part_table(["a"], vectors[:1])["label"].to_pylist() == [None]
    assert len(part_table([], vectors[:0])) == 0


def test_what_was_cut_short_is_not_whole(tmp_path):
    path = tmp_path / "a.parquet"
    assert not is_whole(path)
    write_table(part_table(["a"], np.zeros((1, 5), np.float32)), path)
    assert is_whole(path)
    content = path.read_bytes()
    for length in (0, 4, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert not is_whole(path)
    pq.write_table(pa.table({"name": ["a"]}), path)
    assert not is_whole(path)


def test_names_that_are_not_utf_8_are_excluded_by_their_escapes():
    table = excluded_table([("caf\udce9.jpg", "not\nreadable")])
    assert table.to_pylist() == [{"name": r"caf\xe9.jpg", "reason": r"not\nreadable"}]
    assert len(excluded_table([])) == 0
