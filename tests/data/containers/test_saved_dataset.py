"""Folders as `save_to_disk` of Hugging Face's `datasets` writes them."""

import io
import json
import threading

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches
from byol_keras.errors import InputError

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}


def encoded(i, size=None, kind="JPEG"):
    """Noise of sizes of its own."""
    size = size or (20 + i % 7, 30 - i % 5)
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 256, (*size, 3), np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def table(contents, first=0, type=STRUCT):
    """Rows as `datasets` has them, labels 0 and 1 in turn."""
    images = contents
    if pa.types.is_struct(type):
        images = [{"bytes": content, "path": f"{first + i:02}.jpg"} for i, content in enumerate(contents)]
    return pa.table({"image": pa.array(images, type), "label": [i % 2 for i in range(len(contents))]})


def save(folder, tables, rows=4, features=FEATURES, **options):
    """The files of each table, in batches of some rows, and what stands beside them."""
    folder.mkdir(exist_ok=True)
    names = [f"data-{k:05}-of-{len(tables):05}.arrow" for k in range(len(tables))]
    for name, part in zip(names, tables, strict=True):
        with pa.ipc.new_stream(folder / name, part.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
            stream.write_table(part, max_chunksize=rows)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "x", "_split": None}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


@pytest.fixture(scope="module")
def contents():
    return [encoded(i, kind="PNG" if i % 2 else "JPEG") for i in range(40)]


@pytest.fixture(scope="module")
def saved(contents, tmp_path_factory):
    tables = [table(contents[:15]), table(contents[15:30], 15), table(contents[30:], 30)]
    return save(tmp_path_factory.mktemp("saved"), tables)


def test_bytes_are_those_of_the_files(contents, saved):
    source = open_source(saved, memory_budget=0)
    assert list(source.encoded) == contents
    assert source.encoded.take([39, 0, 39]) == [contents[i] for i in (39, 0, 39)]
    assert source.names[14:16] == ["data-00000-of-00003.arrow/14.jpg", "data-00001-of-00003.arrow/15.jpg"]
    assert source.labels.tolist() == [i % 2 for n in (15, 15, 10) for i in range(n)]
    assert (source.class_names, source.paths, source.broken) == (("cat", "dog"), None, ())


def test_what_the_library_itself_writes(contents, tmp_path):
    datasets = pytest.importorskip("datasets")
    rows = {"image": [{"bytes": content, "path": None} for content in contents], "label": [0, 1] * 20}
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]))
    dataset = datasets.Dataset.from_dict(rows, features=features)
    dataset.save_to_disk(tmp_path / "all", num_shards=3)
    source = open_source(tmp_path / "all", memory_budget=0)
    assert (list(source.encoded), source.class_names) == (contents, ("cat", "dog"))
    dataset.select([5, 3, 30]).save_to_disk(tmp_path / "some")
    assert list(open_source(tmp_path / "some").encoded) == [contents[i] for i in (5, 3, 30)]
    datasets.DatasetDict(train=dataset).save_to_disk(tmp_path / "splits")
    with pytest.raises(InputError, match="holds several splits"):
        open_source(tmp_path / "splits")


@pytest.mark.parametrize("type", [pa.binary(), pa.large_binary(), pa.struct([("bytes", pa.large_binary())])])
def test_other_types(contents, tmp_path, type):
    images = [{"bytes": content} for content in contents] if pa.types.is_struct(type) else contents
    save(tmp_path, [pa.table({"x": ["y"] * 40, "image": pa.array(images, type)})], features={})
    source = open_source(tmp_path, memory_budget=0)
    assert list(source.encoded) == contents
    assert source.names[39] == "data-00000-of-00001.arrow/39"
    assert (source.labels, source.class_names) == (None, None)


@pytest.mark.parametrize("type", [pa.string(), pa.dictionary(pa.int8(), pa.string())])
def test_labels_that_are_names(contents, tmp_path, type):
    texts = [["dog", "cat", "dog"], ["dog", "ape", "bee"]]
    columns = [(pa.array(contents[:3], pa.binary()), pa.array(part).cast(type)) for part in texts]
    save(tmp_path, [pa.table(pair, ["image", "label"]) for pair in columns], rows=2, features={})
    source = open_source(tmp_path)
    assert (source.class_names, source.labels.tolist()) == (("ape", "bee", "cat", "dog"), [3, 2, 3, 3, 0, 1])


def test_part_of_a_table(contents, tmp_path):
    save(tmp_path, [table(contents).slice(7, 20)], rows=9)
    assert list(open_source(tmp_path, memory_budget=0).encoded) == contents[7:27]


@pytest.mark.slow
def test_training_is_that_of_a_folder(contents, saved, tmp_path):
    for i, content in enumerate(contents):
        (tmp_path / f"{i:02}.jpg").write_bytes(content)
    sources = open_source(tmp_path), open_source(saved)
    views = [two_view_batches(source, TwoViews(16), batch_size=20, total_steps=3, seed=5) for source in sources]
    for of_folder, of_saved in zip(*views, strict=True):
        np.testing.assert_array_equal(of_folder, of_saved)


def test_threads_read_the_same(contents, saved):
    source, wrong = open_source(saved, memory_budget=0), []

    def take(seed):
        for index in np.random.default_rng(seed).integers(0, 40, 300):
            if source.encoded[index] != contents[index]:
                wrong.append(index)

    threads = [threading.Thread(target=take, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rows_without_an_image_are_named(tmp_path):
    contents = [encoded(i) for i in range(30)]
    contents[3] = None
    rows = table(contents)
    images = rows["image"].to_pylist()
    images[7] = None
    rows = rows.set_column(0, "image", pa.array(images, STRUCT))
    source = open_source(save(tmp_path, [rows]))
    assert [name for name, _ in source.broken] == [f"data-00000-of-00001.arrow/{i}" for i in (3, 7)]
    assert source.labels.tolist() == [i % 2 for i in range(30) if i not in (3, 7)]


def test_compressed_is_refused(contents, tmp_path):
    save(tmp_path, [table(contents)], compression="zstd")
    with pytest.raises(InputError, match="is compressed, so that no image can be read by itself"):
        open_source(tmp_path)


def test_several_splits_are_refused(tmp_path):
    save(tmp_path / "train", [table([encoded(0)])])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train"]}')
    with pytest.raises(InputError, match=r"holds several splits .* Received: \['train'\]"):
        open_source(tmp_path)
    assert len(open_source(tmp_path / "train")) == 1


@pytest.mark.parametrize(
    "state",
    [
        {"_data_files": [{"filename": "../data.arrow"}]},
        {"_data_files": []},
        {"_data_files": 3},
        {"_data_files": ["x"]},
        {"_data_files": [{"filename": "x"}], "_indices_files": [{"filename": "y"}]},
    ],
)
def test_a_state_of_another_form_is_refused(tmp_path, state):
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(InputError, match=r"state.json is not as `save_to_disk` writes it"):
        open_source(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\0"])
def test_a_folder_of_images_may_have_a_file_of_that_name(tmp_path, text):
    (tmp_path / "0.jpg").write_bytes(encoded(0))
    (tmp_path / "state.json").write_text(text)
    assert open_source(tmp_path).names == ["0.jpg"]


def test_a_file_that_is_missing(saved, tmp_path):
    save(tmp_path, [table([encoded(0)])])
    (tmp_path / "data-00000-of-00001.arrow").unlink()
    with pytest.raises(InputError, match=r"No images in .*arrow \(No such file or directory\)"):
        open_source(tmp_path)


def test_wherever_it_is_cut_off_what_is_whole_is_used(contents, tmp_path):
    save(tmp_path, [table(contents[:8])], rows=2)
    (path,) = tmp_path.glob("*.arrow")
    whole, counts = path.read_bytes(), []
    for length in [*range(0, len(whole), 211), len(whole) - 8, len(whole) - 1]:
        path.write_bytes(whole[:length])
        try:
            source = open_source(tmp_path, memory_budget=0)
        except InputError as error:
            counts.append(0)
            said = str(error)
        else:
            assert list(source.encoded) == contents[: len(source)]
            counts.append(len(source))
            ((said, _),) = source.broken
        assert "data-00000-of-00001.arrow" in said
        assert "\n" not in said
    assert {*counts} == {0, 2, 4, 6, 8}
    assert counts == sorted(counts)


def test_any_damaged_byte_is_an_image_or_a_reason(contents, tmp_path):
    save(tmp_path, [table(contents[:4])], rows=2)
    (path,) = tmp_path.glob("*.arrow")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for place in [*range(0, 1500, 7), *rng.integers(0, len(whole), 100)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        said = ""
        try:
            source = open_source(tmp_path, memory_budget=0)
        except InputError as error:
            said = str(error)
        else:
            assert all(isinstance(content, bytes) for content in source.encoded)
        assert "\n" not in said
