"""Shards as a source: what is in them, what training sees, and what damage says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from array_record.python.array_record_module import ArrayRecordReader
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays, open_source, two_view_batches, validate, verify_shards, write_shards
from byol_keras.data.containers import shards
from byol_keras.data.containers.shard_index import ShardIndex, read_shard_index, write_shard_index
from byol_keras.data.containers.shard_manifest import is_shards
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.lost_files import naming_lost_files
from byol_keras.errors import InputError
from byol_keras.utils.texts import Texts

SMALL = 15_000  # bytes of a shard: four of them here
RECORD = "images-00001.array_record"


def save_images(folder, sizes, count=40):
    """Noise in two classes, every second pair a JPEG; one of these lies on its side, and one is broken."""
    generator = np.random.default_rng(0)
    for i in range(count):
        pixels = generator.integers(0, 256, (*sizes[i % len(sizes)], 3), np.uint8)
        path = folder / f"c{i % 2}" / f"{i:02}.{'png' if i // 2 % 2 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if i == 4:
            exif[0x0112] = 6
        Image.fromarray(pixels).save(path, exif=exif)
    (folder / "c0" / "bad.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("many") / "photos", [(20 + i, 30 - 2 * i) for i in range(7)])


@pytest.fixture(scope="module")
def one_size(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("one") / "photos", [(24, 24)])


@pytest.fixture
def written(folder, tmp_path):
    write_shards(open_source(folder), tmp_path / "shards", SMALL)
    return tmp_path / "shards"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_they_hold_the_files_as_they_are_and_what_a_folder_knows_of_them(folder, written, capsys):
    source, expected = open_source(written), open_source(folder)
    assert len(list(written.glob("*.array_record"))) == 4
    assert source.names == expected.names
    assert isinstance(source.names, Texts)
    for field in ("labels", "sizes", "jpeg", "orientations"):
        np.testing.assert_array_equal(getattr(source, field), getattr(expected, field))
        assert getattr(source, field).dtype == getattr(expected, field).dtype
    assert (source.class_names, source.broken) == (expected.class_names, expected.broken)
    assert list(source.encoded) == [Path(path).read_bytes() for path in expected.paths]
    assert (source.paths, source.images) == (None, None)
    shuffled = np.random.default_rng(0).integers(0, 40, 100)
    assert source.encoded.take(shuffled) == [Path(expected.paths[i]).read_bytes() for i in shuffled.tolist()]
    assert f"{written}: 1 of 41 images cannot be decoded and are excluded: c0/bad.png" in capsys.readouterr().err


def test_others_read_them_too(folder, written):
    names, found = [], []
    for shard in json.loads((written / "manifest.json").read_text())["shards"]:
        found += ArrayRecordReader(str(written / shard["file"])).read_all()
        with np.load((written / shard["file"]).with_suffix(".npz")) as index:
            texts, ends = index["names"].tobytes(), index["name_ends"].tolist()
        names += [texts[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)]
    assert dict(zip(names, found, strict=True)) == {
        f"c{i % 2}/{path.name}": path.read_bytes() for i in (0, 1) for path in folder.glob(f"c{i}/[0-9]*")
    }


@pytest.mark.parametrize("kind", ["folder", "one_size"])
def test_training_sees_what_it_sees_from_the_folder(kind, request, tmp_path):
    folder = request.getfixturevalue(kind)
    write_shards(open_source(folder), tmp_path / "shards", SMALL)
    sources = [open_source(data) for data in (folder, tmp_path / "shards")]
    assert [source.images is None for source in sources] == [kind == "folder"] * 2
    batches = (two_view_batches(source, TwoViews(8), batch_size=16, total_steps=3, seed=3) for source in sources)
    for views, expected in zip(*batches, strict=True):
        np.testing.assert_array_equal(views, expected)


def test_embedding_sees_what_it_sees_from_files(folder, written):
    for batch, expected in zip(*(ordered_batches(open_source(data), 16) for data in (written, folder)), strict=True):
        np.testing.assert_array_equal(batch, expected)


def test_pixels_of_one_size_are_held_where_they_fit(one_size, tmp_path):
    write_shards(open_source(one_size), tmp_path / "a")
    write_shards(open_source(one_size, hold_pixels=False), tmp_path / "b")
    # Of a source with files these are written, whether or not the pixels are held.
    held, expected = open_source(tmp_path / "b"), open_source(one_size)
    np.testing.assert_array_equal(held.images, expected.images)
    assert held.encoded is None
    assert held.broken == expected.broken
    budget = 41 * 24 * 24 * 3  # with the broken one
    assert open_source(tmp_path / "b", budget).images is not None
    assert open_source(tmp_path / "b", budget - 1).images is None
    assert open_source(one_size, budget - 1).images is None


def test_pixels_stay_encoded_where_the_free_memory_does_not_hold_them(one_size, tmp_path, monkeypatch):
    write_shards(open_source(one_size, hold_pixels=False), tmp_path / "shards")
    monkeypatch.setattr(validate, "available_memory", lambda: 2 * 40 * 24 * 24 * 3 - 2)
    source = open_source(tmp_path / "shards")
    assert source.images is None
    (batch,) = ordered_batches(source, 24).as_numpy_iterator()
    assert batch.shape == (len(source), 24, 24, 3)


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_become_png(channels, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 6, 7, channels), np.uint8)
    write_shards(from_arrays(images, [0, 1, 0, 1, 0], ("a", "b")), tmp_path / "shards")
    source = open_source(tmp_path / "shards", memory_budget=0)
    assert all(content.startswith(b"\x89PNG") for content in source.encoded)
    assert not source.jpeg.any()
    # As all files, gray ones are RGB.
    np.testing.assert_array_equal(open_source(tmp_path / "shards").images, np.broadcast_to(images, (5, 6, 7, 3)))
    assert source.labels.tolist() == [0, 1, 0, 1, 0]
    assert source.class_names == ("a", "b")
    assert source.names == ("0", "1", "2", "3", "4")


def test_shards_are_written_of_shards_and_of_a_part(folder, written, tmp_path):
    source = open_source(written)
    chosen = source.subset(np.flatnonzero(source.labels == 1)[::-1])
    write_shards(chosen, tmp_path / "part", SMALL)
    part = open_source(tmp_path / "part")
    assert list(part.encoded) == list(chosen.encoded)
    assert part.names == chosen.names
    assert part.class_names == ("c0", "c1")
    assert set(part.labels) == {1}


def test_names_that_are_not_unicode_and_no_labels(folder, tmp_path):
    (tmp_path / "photos").mkdir()
    good = next(folder.glob("c1/*.png")).read_bytes()
    (tmp_path / "photos" / "größe 中.png").write_bytes(good)
    with open(os.fsencode(tmp_path / "photos") + b"/\xe9.png", "wb") as file:
        file.write(good)
    for i in range(20):
        (tmp_path / "photos" / f"{i}.png").write_bytes(good)
    source = open_source(tmp_path / "photos", hold_pixels=False)
    write_shards(source, tmp_path / "shards")
    found = open_source(tmp_path / "shards")
    assert found.names == source.names
    assert found.broken == source.broken == (("\udce9.png", "the file's name is not UTF-8: rename it"),)
    assert found.labels is None
    assert found.class_names is None


def test_the_same_source_gives_the_same_files(folder, written, tmp_path):
    write_shards(open_source(folder), tmp_path / "again", SMALL)
    assert contents(tmp_path / "again") == contents(written)
    before = {path.name: path.stat().st_mtime_ns for path in written.glob("images*")}
    write_shards(open_source(folder), written, SMALL)
    assert {path.name: path.stat().st_mtime_ns for path in written.glob("images*")} == before


def test_no_image_is_read_to_open_them(written, monkeypatch):
    monkeypatch.setattr(shards.ShardImages, "take", None)
    source = open_source(written)
    assert len(source.subset(source.labels == 1).encoded) == 20


def test_a_million_images_are_held_in_tens_of_bytes(tmp_path, monkeypatch):
    count, parts = 250_000, 4
    monkeypatch.setattr(shards, "_index", lambda folder, shard: read_shard_index(folder / shard.file))
    (tmp_path / "shards").mkdir()
    ends = np.arange(1, count + 1) * 16
    for i in range(parts):
        names = Texts(b"folder/%05d.jpg" % i * count, np.append(0, ends[:-1]), ends)
        index = ShardIndex(
            names,
            np.zeros(count, np.int64),
            np.full((count, 2), [300 + i, 400], np.int32),
            np.ones(count, bool),
            np.ones(count, np.int32),
            np.ones(count, np.int64),
            "",
        )
        write_shard_index(tmp_path / "shards" / f"images-{i:05}.array_record", index)
    files = [
        {"file": f"images-{i:05}.array_record", "records": count, "bytes": 1, "sha256": "", "index_bytes": 1}
        | {"index_sha256": ""}
        for i in range(parts)
    ]
    manifest = {"format": "byol_keras shards 1", "source": "", "stamp": "", "shard_bytes": 1, "shards": files}
    manifest |= {"class_names": ["a"], "excluded": []}
    (tmp_path / "shards" / "manifest.json").write_text(json.dumps(manifest))
    source = open_source(tmp_path / "shards")
    arrays = (source.names.starts, source.names.ends, source.labels, source.sizes, source.jpeg, source.orientations)
    held = len(source.names.buffer) + sum(array.nbytes for array in arrays)
    assert held == count * parts * (16 + 16 + 8 + 8 + 1 + 4)
    assert source.names[-1] == "folder/00003.jpg"


def damage(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "gone":
        path.unlink()
    elif kind == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[1500] ^= 1  # Of an image or an array: shards are filled up with zeros.
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        (RECORD, "gone", f"{RECORD}, of the shards' manifest: No such file or directory. Write the shards again."),
        (RECORD, "cut", f"{RECORD} has 65,536 bytes and had 131,072 when written: write the shards again."),
        ("images-00002.npz", "gone", "images-00002.npz, of the shards' manifest: No such file or directory."),
        ("images-00002.npz", "cut", "bytes and had 2,999 when written: write the shards again."),
        ("images-00002.npz", "altered", "images-00002.npz is not as it was written, by its checksum"),
        ("manifest.json", "gone", "holds shards without their manifest.json"),
        ("manifest.json", "cut", "manifest.json cannot be read as the manifest of shards"),
    ],
)
def test_what_is_damaged_is_said_when_the_folder_is_opened(name, kind, said, written):
    damage(written / name, kind)
    for use in (open_source, verify_shards):
        with pytest.raises(InputError) as error:
            use(written)
        assert said in str(error.value)
        assert str(written) in str(error.value)
        assert "\n" not in str(error.value)


def test_an_altered_shard_is_found_by_its_checksum_and_written_again(folder, written, capsys):
    assert verify_shards(written) == 40
    before = contents(written)
    damage(written / RECORD, "altered")
    with pytest.raises(InputError, match=rf"{RECORD} is not as it was written, by its checksum"):
        verify_shards(written)
    damage(written / "images-00002.npz", "cut")
    damage(written / "images-00003.array_record", "gone")
    write_shards(open_source(folder), written, SMALL)
    said = capsys.readouterr().err
    assert f"{RECORD} is not as it was written, by its checksum, and is written again" in said
    assert "images-00002.npz cannot be read as the index of a shard" in said
    assert contents(written) == before


def test_a_shard_that_cannot_be_read_is_named(written, one_size, tmp_path):
    source = open_source(written)
    damage(written / RECORD, "altered")
    with pytest.raises(InputError, match=rf"{RECORD} cannot be read: Corrupted Riegeli"):
        list(source.encoded)
    with pytest.raises(InputError, match=rf"of 40 images can no longer be read: .*{RECORD}"), naming_lost_files(source):
        list(ordered_batches(source, 16))
    lost = shards.ShardImages([written / "none.array_record"], [3])
    with pytest.raises(InputError, match=r"none.array_record cannot be read: No such file or directory$"):
        lost.take([1])


def test_a_bit_that_is_turned_anywhere_gives_an_error_or_the_image(folder, tmp_path):
    expected = write_shards(open_source(folder), tmp_path / "shards", SMALL).shards[1].records
    path = tmp_path / "shards" / RECORD
    content, images = path.read_bytes(), list(shards.ShardImages([path], [expected]))
    said = []
    for place in range(0, len(content), 97):
        altered = bytearray(content)
        altered[place] ^= 1 << place % 8
        path.write_bytes(altered)
        read = shards.ShardImages([path], [expected])
        for index, image in enumerate(images):
            try:
                assert read[index] == image
            except InputError as error:
                said.append(str(error))
    assert len(said) > 100
    assert all(RECORD in line for line in said)


def test_one_size_that_cannot_be_decoded_any_more(one_size, tmp_path):
    write_shards(open_source(one_size), tmp_path / "shards", SMALL)
    damage(tmp_path / "shards" / RECORD, "altered")
    with pytest.raises(InputError, match=rf"1 of 40 images cannot be decoded any more: c\d/\d+.* .*{RECORD} cannot be"):
        open_source(tmp_path / "shards")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "byol_keras shards 9"}, "is not a manifest that this version reads"),
        ({"shards": []}, "are not finished: run the command that began them once more"),
        ({"shards": [{"file": "../a.array_record"}]}, "cannot be read as the manifest of shards"),
        ({"excluded": None}, "cannot be read as the manifest of shards"),
    ],
)
def test_a_manifest_that_is_none(change, said, written):
    path = written / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=said):
        open_source(written)


def test_files_elsewhere_are_not_read(written):
    path = written / "manifest.json"
    fields = json.loads(path.read_text())
    fields["shards"][0]["file"] = "../images-00000.array_record"
    path.write_text(json.dumps(fields))
    with pytest.raises(InputError, match=r"'../images-00000.array_record' is no shard"):
        open_source(written)


@pytest.mark.parametrize("text", ["[1]", "{", '{"format": "other"}', "\xff"])
def test_images_beside_a_manifest_of_something_else_are_images(text, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "manifest.json").write_bytes(text.encode("latin-1"))
    assert not is_shards(tmp_path)
    assert open_source(tmp_path).names == ("a.png",)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "other"}, r"was begun of another source \(photos, this is other\)"),
        ({"shard_bytes": 9}, r"was begun with another shard_bytes \(15000, this is 9\)"),
        ({"stamp": "2"}, r"was written before photos was changed"),
    ],
)
@pytest.mark.parametrize("is_finished", [True, False])
def test_other_work_is_refused(more, said, is_finished, folder, tmp_path):
    arguments = {"folder": tmp_path / "shards", "shard_bytes": SMALL, "name": "photos", "stamp": "1"}
    write_shards(open_source(folder), **arguments)
    if not is_finished:
        path = tmp_path / "shards" / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"shards": []}))
    before = contents(tmp_path / "shards")
    with pytest.raises(InputError, match=said):
        write_shards(open_source(folder), **arguments | more)
    assert contents(tmp_path / "shards") == before


def test_finished_shards_of_images_that_have_changed_are_refused(folder, written, tmp_path):
    source = open_source(folder)
    fewer = source.subset(slice(39))
    for changed in (fewer, source.subset(np.arange(40)[::-1])):
        with pytest.raises(InputError, match="was written before the source was changed: name another folder"):
            write_shards(changed, written, SMALL)


def test_other_labels_of_the_same_images_are_refused(tmp_path):
    images = np.zeros((4, 5, 5, 3), np.uint8)
    write_shards(from_arrays(images, [0, 1, 0, 1]), tmp_path)
    for labels in ([0, 1, 1, 1], None):
        with pytest.raises(InputError, match="was written before the source was changed"):
            write_shards(from_arrays(images, labels), tmp_path)


def test_what_was_begun_of_more_images_leaves_nothing(folder, written, tmp_path):
    path = written / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shards": []}))
    few = open_source(folder).subset(slice(15))
    write_shards(few, written, SMALL)
    write_shards(few, tmp_path / "straight", SMALL)
    assert contents(written) == contents(tmp_path / "straight")


def test_what_was_begun_becomes_what_the_images_are_now(folder, tmp_path):
    photos = save_images(tmp_path / "photos", [(20 + i, 30 - 2 * i) for i in range(7)])
    out = tmp_path / "shards"
    write_shards(open_source(photos), out, SMALL)
    path = out / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shards": []}))
    first = (out / "images-00000.array_record").stat().st_mtime_ns
    # One of the last images is another one of the same size, and the very last ones have gone.
    (photos / "c1" / "39.png").unlink()
    Image.new("RGB", (30 - 2 * (35 % 7), 20 + 35 % 7)).save(photos / "c1" / "35.png")
    write_shards(open_source(photos), out, SMALL)
    write_shards(open_source(photos), tmp_path / "straight", SMALL)
    assert contents(out) == contents(tmp_path / "straight")
    assert (out / "images-00000.array_record").stat().st_mtime_ns == first


def test_an_image_changed_in_place_is_written_anew(tmp_path):
    photos = save_images(tmp_path / "photos", [(20, 30)])
    write_shards(open_source(photos), tmp_path / "shards", SMALL)
    path = photos / "c0" / "02.png"
    generator, size = np.random.default_rng(1), path.stat().st_size
    while True:  # as many bytes
        Image.fromarray(generator.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
        if path.stat().st_size == size:
            break
    with pytest.raises(InputError, match="was written before the source was changed"):
        write_shards(open_source(photos), tmp_path / "shards", SMALL)


def test_other_files_are_left_alone(folder, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"holds other files \(notes.txt\): name a new folder"):
        write_shards(open_source(folder), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", ".lock"}
    with pytest.raises(InputError, match="shard_bytes must be at least 1"):
        write_shards(open_source(folder), tmp_path / "new", 0)
    assert not (tmp_path / "new").exists()


def test_shards_without_a_manifest_are_not_written_over(folder, written):
    (written / "manifest.json").unlink()
    before = contents(written)
    with pytest.raises(
        InputError, match=r"holds shards without their manifest\.json: copy it too, or delete the folder"
    ):
        write_shards(open_source(folder), written, SMALL)
    assert contents(written) == before


def test_an_image_that_went_since_the_source_was_opened(tmp_path):
    photos = save_images(tmp_path / "photos", [(20 + i, 30) for i in range(7)])
    source = open_source(photos)
    (photos / "c1" / "01.jpg").unlink()
    with pytest.raises(InputError, match="can no longer be read: No such file or directory"):
        write_shards(source, tmp_path / "shards", SMALL)
    with pytest.raises(InputError, match="are not finished"):
        open_source(tmp_path / "shards")
    write_shards(open_source(photos), tmp_path / "shards", SMALL)
    assert "c1/01.jpg" not in list(open_source(tmp_path / "shards").names)


FULL = """
import resource, sys
from byol_keras.data import open_source, write_shards
from byol_keras.errors import InputError
source = open_source(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_shards(source, sys.argv[2], 15_000)
except InputError as error:
    print(error)
"""


def test_a_disk_that_does_not_take_a_shard_is_said(folder, tmp_path):
    out = tmp_path / "shards"
    done = subprocess.run([sys.executable, "-c", FULL, folder, out], capture_output=True, text=True)
    assert done.stdout.startswith(f"Cannot write {out / 'images-00000.array_record'}: File too large"), done.stderr
    assert {path.name for path in out.iterdir()} == {".lock", "manifest.json"}
    write_shards(open_source(folder), out, SMALL)
    assert verify_shards(out) == 40


@pytest.mark.slow
def test_more_shards_than_are_held_open(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "OPEN_SHARDS", 3)
    write_shards(open_source(folder), tmp_path / "shards", 1)
    source = open_source(tmp_path / "shards")
    assert len(list((tmp_path / "shards").glob("*.array_record"))) == 40
    seen = tf.data.Dataset.range(400).map(
        lambda i: tf.numpy_function(lambda i: source.encoded[int(i) * 7 % 40], [i], tf.string), num_parallel_calls=8
    )
    assert list(seen.as_numpy_iterator()) == [source.encoded[i * 7 % 40] for i in range(400)]
    assert len(source.encoded._readers) == 3
