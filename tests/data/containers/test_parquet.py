"""Images in a column of Parquet files, as Hugging Face's data sets have them."""

import io
import json
import os
import re
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches, validate
from byol_keras.data.containers import parquet, parquet_index, row_groups
from byol_keras.errors import InputError
from byol_keras.utils.embedding_parts import EmbeddingsManifest, part_table, write_table
from byol_keras.utils.embeddings_folder import begin_embeddings

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def encoded(i, size=None, kind="JPEG"):
    """Noise of sizes of its own."""
    size = size or (20 + i % 7, 30 - i % 5)
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (*size, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def metadata(names):
    """As `datasets` writes it into the schema."""
    label = {"names": names, "_type": "ClassLabel"}
    info = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    return {"huggingface": json.dumps(info)}


def write(path, contents, labels=None, paths=None, names=None, rows=4, type=STRUCT, **options):
    """A file as `datasets` writes it, or with a plain column where `type` is binary."""
    rows_of_images = contents
    if pa.types.is_struct(type):
        paths = [None] * len(contents) if paths is None else paths
        rows_of_images = [{"bytes": content, "path": name} for content, name in zip(contents, paths, strict=True)]
    columns = {"image": pa.array(rows_of_images, type)}
    if labels is not None:
        columns["label"] = labels if isinstance(labels, pa.Array) else pa.array(labels)
    table = pa.table(columns)
    if names:
        table = table.replace_schema_metadata(metadata(names))
    pq.write_table(table, path, row_group_size=rows, **options)
    os.utime(path, (1e9, 1e9))  # so that its check is saved
    return path


@pytest.fixture(scope="module")
def contents():
    return [encoded(i, kind="PNG" if i % 2 else "JPEG") for i in range(40)]


@pytest.fixture(scope="module")
def folder(contents, tmp_path_factory):
    path = tmp_path_factory.mktemp("folder")
    for i, content in enumerate(contents):
        (path / f"{i:02}.{'png' if i % 2 else 'jpg'}").write_bytes(content)
    return path


@pytest.fixture(scope="module")
def files(contents, tmp_path_factory):
    """Three files in row groups of 4, with names and classes."""
    path, names = tmp_path_factory.mktemp("files"), ["cat", "dog"]
    for k, part in enumerate((slice(0, 15), slice(15, 30), slice(30, 40))):
        numbers = range(40)[part]
        write(
            path / f"train-{k:05}-of-00003.parquet",
            contents[part],
            [i % 2 for i in numbers],
            [f"{i:02}.jpg" for i in numbers],
            names,
        )
    return path


def test_bytes_are_those_of_the_files(contents, files):
    source = open_source(files, memory_budget=0)
    assert list(source.encoded) == contents
    assert source.encoded.take([39, 0, 17, 39]) == [contents[i] for i in (39, 0, 17, 39)]
    assert source.names[:2] == ["train-00000-of-00003.parquet/00.jpg", "train-00000-of-00003.parquet/01.jpg"]
    assert source.labels.tolist() == [0, 1] * 20
    assert (source.class_names, source.paths, source.broken) == (("cat", "dog"), None, ())
    assert list(open_source(files / "train-00001-of-00003.parquet").encoded) == contents[15:30]


@pytest.mark.parametrize("type", [pa.binary(), pa.large_binary(), pa.struct([("bytes", pa.large_binary())])])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_other_types(contents, tmp_path, type, compression):
    rows = contents if not pa.types.is_struct(type) else [{"bytes": content} for content in contents]
    pq.write_table(
        pa.table({"x": [0] * 40, "image": pa.array(rows, type)}), tmp_path / "a.parquet", 7, compression=compression
    )
    source = open_source(tmp_path / "a.parquet")
    assert list(source.encoded) == contents
    assert source.names == [f"a.parquet/{i}" for i in range(40)]
    assert (source.labels, source.class_names) == (None, None)


@pytest.mark.slow
def test_training_is_that_of_a_folder(folder, files):
    sources = open_source(folder), open_source(files)
    views = [two_view_batches(source, TwoViews(16), batch_size=20, total_steps=3, seed=5) for source in sources]
    for of_folder, of_files in zip(*views, strict=True):
        np.testing.assert_array_equal(of_folder, of_files)


def test_images_of_one_size_are_held(tmp_path):
    contents = [encoded(i, (8, 9), "PNG") for i in range(5)]
    source = open_source(write(tmp_path / "a.parquet", contents))
    assert source.encoded is None
    pixels = [np.asarray(Image.open(io.BytesIO(content))) for content in contents]
    np.testing.assert_array_equal(source.images, pixels)


@pytest.mark.parametrize("held", [2**30, 1, 20_000])
def test_threads_read_each_group_once_while_it_is_held(contents, files, monkeypatch, held):
    source, wrong, reads = open_source(files, memory_budget=0), [], []
    monkeypatch.setattr(row_groups, "HELD_BYTES", held)
    images = source.encoded._images
    read = images._read
    monkeypatch.setattr(images, "_read", lambda number: reads.append(number) or read(number))
    images._held.clear()
    images._bytes = 0

    def take(seed):
        for index in np.random.default_rng(seed).integers(0, 40, 200):
            if source.encoded[index] != contents[index]:
                wrong.append(index)

    threads = [threading.Thread(target=take, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    groups = 4 + 4 + 3
    assert sorted(reads) == [*range(groups)] if held == 2**30 else len(reads) > groups
    assert images._bytes == sum(group.bytes for group in images._held.values())
    assert images._bytes <= max(held, 6 * max(map(len, contents)))


def test_checked_once(files, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = open_source(files)
    monkeypatch.setattr(validate, "check", None)
    assert open_source(files).sizes.tolist() == before.sizes.tolist()


def test_rows_without_an_image_are_named(tmp_path):
    contents = [encoded(i) for i in range(30)]
    contents[3] = None
    source = open_source(write(tmp_path / "a.parquet", contents, labels=[0] * 30))
    assert [name for name, _ in source.broken] == ["a.parquet/3"]
    assert "no bytes, only the path of a file" in source.broken[0][1]
    assert len(source.labels) == 29
    with pytest.raises(InputError, match=r"3 of 3 images cannot be decoded: a.parquet/a.jpg \(no bytes"):
        open_source(write(tmp_path / "a.parquet", [None] * 3, paths=["a.jpg", "b.jpg", "c.jpg"]))
    rows = pa.array([None, {"bytes": encoded(0), "path": "x"}], STRUCT)
    pq.write_table(pa.table({"image": rows}), tmp_path / "a.parquet")
    assert open_source(tmp_path / "a.parquet").names == ["a.parquet/1"]


def test_paths_that_are_not_of_one_row_are_no_names(tmp_path):
    contents = [encoded(i) for i in range(3)]
    for paths in (["a.jpg", "a.jpg", "b.jpg"], ["a.jpg", None, "b.jpg"]):
        source = open_source(write(tmp_path / "a.parquet", contents, paths=paths))
        assert source.names == [f"a.parquet/{i}" for i in range(3)]


def test_labels_that_are_missing(tmp_path, capsys):
    source = open_source(write(tmp_path / "a.parquet", [encoded(i) for i in range(3)], labels=[0, None, 1]))
    assert source.labels is None
    assert "1 of 3 images have no label, so no label is used" in capsys.readouterr().err


@pytest.mark.parametrize("type", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_labels_that_are_names(tmp_path, type):
    for path, texts in (("a.parquet", ["cat", "bee", "cat"]), ("b.parquet", ["dog", "ape", "cat"])):
        write(tmp_path / path, [encoded(i) for i in range(3)], pa.array(texts).cast(type))
    source = open_source(tmp_path)
    assert (source.class_names, source.labels.tolist()) == (("ape", "bee", "cat", "dog"), [2, 1, 2, 3, 0, 2])
    with_some = pa.array(["cat", None, "bee"]).cast(type)
    assert open_source(write(tmp_path / "c.parquet", [encoded(i) for i in range(3)], with_some)).labels is None
    write(tmp_path / "c.parquet", [encoded(0)], [1])
    with pytest.raises(InputError, match=f"{tmp_path}.*some files have class numbers in the column label"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    "labels", [[1.0, 0.0, 1.0], [True, False, True], pa.array([1, 0, 1], pa.uint64()).dictionary_encode()]
)
def test_labels_that_are_whole_numbers_of_another_type(tmp_path, labels):
    source = open_source(write(tmp_path / "a.parquet", [encoded(i) for i in range(3)], labels))
    assert (source.class_names, source.labels.tolist(), source.labels.dtype) == (None, [1, 0, 1], np.int64)


@pytest.mark.parametrize(("labels", "type"), [([0.5, 1.0], "double"), ([[1], [2]], "list<.*int64>")])
def test_a_column_that_holds_no_classes_is_said(tmp_path, capsys, labels, type):
    assert open_source(write(tmp_path / "a.parquet", [encoded(i) for i in range(2)], labels)).labels is None
    said = f"a.parquet: its column label is neither class numbers nor names, but {type}, so it is not used"
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize("label", [10**12, pa.scalar(2**64 - 1, pa.uint64())])
def test_a_label_too_high_to_count_up_to(tmp_path, label):
    with pytest.raises(InputError, match=rf"a\.parquet: class numbers are from 0 to 10,000,000: .*label={label}"):
        open_source(write(tmp_path / "a.parquet", [encoded(0)], pa.array([label])))


def test_two_columns_of_labels_are_refused(tmp_path):
    images, numbers = pa.array([encoded(0)], pa.binary()), pa.array([0])
    twice = pa.Table.from_arrays([images, numbers, numbers], ["image", "label", "label"])
    pq.write_table(twice, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet has 2 columns label: rename all but one"):
        open_source(tmp_path / "a.parquet")


def test_a_label_without_a_name(tmp_path):
    write(tmp_path / "a.parquet", [encoded(0)], labels=[2], names=["cat", "dog"])
    with pytest.raises(InputError, match=r"label 2 has no name\. Received: 2 names of classes"):
        open_source(tmp_path / "a.parquet")


def test_files_of_other_classes(tmp_path):
    write(tmp_path / "a.parquet", [encoded(0)], labels=[0], names=["cat", "dog"])
    write(tmp_path / "b.parquet", [encoded(1)], labels=[0], names=["dog", "cat"])
    with pytest.raises(InputError, match="do not have the same names of classes"):
        open_source(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"info": 3}', '{"info": {"features": {"label": {}}}}', "[" * 100_000])
def test_other_metadata_has_no_names(tmp_path, text):
    table = pa.table({"image": pa.array([encoded(0)], pa.binary()), "label": [0]})
    pq.write_table(table.replace_schema_metadata({"huggingface": text}), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert (source.labels.tolist(), source.class_names) == ([0], None)


@pytest.mark.parametrize(
    "columns",
    [{"img": [b"x"]}, {"image": ["text"]}, {"image": [3]}, {"image": [{"url": "x"}]}, {"image": [[1, 2]]}],
)
def test_a_file_without_images(tmp_path, columns):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"has no column image of bytes, .*Received: im") as error:
        open_source(tmp_path / "a.parquet")
    assert "\n" not in str(error.value)


def test_a_row_group_too_large_for_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_index, "HELD_BYTES", 20_000)
    contents = [encoded(i) for i in range(20)]
    write(tmp_path / "a.parquet", contents, rows=20)
    with pytest.raises(InputError, match=r"its row group 0 has .* GiB of images, .* row_group_size=100"):
        open_source(tmp_path / "a.parquet")
    assert len(open_source(write(tmp_path / "a.parquet", contents, rows=5))) == 20


def test_what_reading_at_random_costs_is_said(tmp_path, monkeypatch, capsys):
    write(tmp_path / "a.parquet", [encoded(i) for i in range(20)])
    monkeypatch.setattr(parquet, "HELD_BYTES", 20_000)
    open_source(tmp_path / "a.parquet")
    assert "in row groups of 0 MiB or less" in capsys.readouterr().err


def test_wherever_it_is_cut_off_it_is_refused(tmp_path):
    whole = write(tmp_path / "whole", [encoded(i) for i in range(8)]).read_bytes()
    for length in [*range(0, len(whole), 331), len(whole) - 1]:
        (tmp_path / "a.parquet").write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"No images in .*a.parquet: a.parquet \(") as error:
            open_source(tmp_path / "a.parquet")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_damage_is_named(tmp_path, compression):
    """With checksums each damaged byte among the images is seen, and costs its row group."""
    contents = [encoded(i) for i in range(80)]
    options = {"write_page_checksum": True, "compression": compression}
    path = write(tmp_path / "a.parquet", contents, labels=range(80), **options)
    whole = path.read_bytes()
    place = whole.find(contents[42][-100:-60])
    assert place > 0
    path.write_bytes(whole[:place] + b"\0" * 8 + whole[place + 8 :])
    source = open_source(path)
    assert [name for name, _ in source.broken] == [f"a.parquet/{i}" for i in range(40, 44)]
    assert "row group 10 of a.parquet cannot be read" in source.broken[0][1]
    assert source.labels.tolist() == [*range(40), *range(44, 80)]


def test_a_damaged_file_among_others(tmp_path):
    for i in range(12):
        write(tmp_path / f"{i:02}.parquet", [encoded(i)], labels=[0], names=["cat"])
    (tmp_path / "03.parquet").write_bytes(b"PAR1")
    source = open_source(tmp_path)
    assert (len(source), source.class_names) == (11, ("cat",))
    assert [name for name, _ in source.broken] == ["03.parquet"]
    (tmp_path / "04.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"2 of 12 files are not whole: 03.parquet .*04.parquet"):
        open_source(tmp_path)


def test_a_file_that_has_changed_is_said(tmp_path):
    path = write(tmp_path / "a.parquet", [encoded(0), encoded(1)])
    source = open_source(path, memory_budget=0)
    source.encoded._images._held.clear()
    write(path, [encoded(2), encoded(3)])
    os.utime(path)
    with pytest.raises(InputError, match="has been changed since it was opened"):
        source.encoded[0]


def test_parquet_and_tars_are_not_mixed(tmp_path):
    write(tmp_path / "a.parquet", [encoded(0)])
    (tmp_path / "a.tar").write_bytes(b"")
    with pytest.raises(InputError, match="holds Parquet and tar files"):
        open_source(tmp_path)


def test_embeddings_are_no_images(tmp_path):
    begin_embeddings(tmp_path, EmbeddingsManifest("x", "photos", "float32", 1), ["a.jpg"])
    for _ in range(2):
        with pytest.raises(InputError, match="holds embeddings, not images: give the images"):
            open_source(tmp_path)
        write_table(part_table(["a.jpg"], np.zeros((1, 4), np.float32)), tmp_path / "part-00000.parquet")
