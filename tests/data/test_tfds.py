import io
import logging
import os
import threading

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches, validate
from byol_keras.data.decode import decode
from byol_keras.data.encoded import MemoryImages
from byol_keras.data.tfds import from_tfds
from byol_keras.errors import InputError


def store(data_dir, features, splits, name="tiny"):
    """Lays out a data set as TFDS does, `splits` maps the split's name to its examples."""
    folder = data_dir / name / "1.0.0"
    folder.mkdir(parents=True)
    infos = []
    for split, examples in splits.items():
        template = tfds.core.ShardedFileTemplate(
            dataset_name=name, split=split, filetype_suffix="tfrecord", data_dir=folder
        )
        shards = [examples[: len(examples) // 2], examples[len(examples) // 2 :]]
        for i, shard in enumerate(shards):
            path = folder / f"{name}-{split}.tfrecord-{i:05d}-of-{len(shards):05d}"
            with tf.io.TFRecordWriter(str(path)) as writer:
                for example in shard:
                    writer.write(features.serialize_example(example))
        lengths = [len(shard) for shard in shards]
        infos.append(tfds.core.SplitInfo(name=split, shard_lengths=lengths, num_bytes=0, filename_template=template))
    tfds.folder_dataset.write_metadata(data_dir=str(folder), features=features, split_infos=infos)


def features(**kinds):
    return tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(None, None, 3)), **kinds})


LABELED = {"label": tfds.features.ClassLabel(names=["cat", "dog"])}


def level(value, height=4, width=6):
    return np.full((height, width, 3), value, np.uint8)


@pytest.fixture
def data_dir(tmp_path):
    examples = [{"image": level(i), "label": i % 2, "note": "x"} for i in range(50)]
    store(tmp_path, features(**LABELED, note=tfds.features.Text()), {"train": examples, "test": examples[:2]})
    return tmp_path


def test_one_size_becomes_an_array_in_the_order_on_the_disk(data_dir):
    source = from_tfds("tiny", data_dir=data_dir)
    assert source.images.shape == (50, 4, 6, 3)
    assert source.images[:, 0, 0, 0].tolist() == list(range(50))
    assert source.labels.tolist() == [0, 1] * 25
    assert source.class_names == ("cat", "dog")
    assert source.names == tuple(str(i) for i in range(50))
    assert source.sizes.tolist() == [[4, 6]] * 50
    assert (source.encoded, source.paths) == (None, None)


@pytest.mark.parametrize(("split", "count"), [("test", 2), ("train[:3]", 3), ("train+test", 52), ("train[50%:]", 25)])
def test_splits(data_dir, split, count):
    assert len(from_tfds("tiny", split, data_dir=data_dir)) == count


def test_images_with_boxes_and_many_classes(tmp_path):
    cars = tfds.builder("cars196", data_dir=tmp_path).info.features  # the real ones; only its images are made up
    box = tfds.features.BBox(0.0, 0.0, 1.0, 1.0)
    splits = {
        split: [{"image": level(i, 4 + i), "label": i * 65, "id": f"{i}.jpg", "bbox": box} for i in range(count)]
        for split, count in (("train", 4), ("test", 2))
    }
    store(tmp_path, cars, splits)
    train, test = (from_tfds("tiny", split, data_dir=tmp_path) for split in ("train", "test"))
    assert (len(train), len(test)) == (4, 2)
    assert train.labels.tolist() == [0, 65, 130, 195]
    assert len(train.class_names) == 196
    assert train.class_names == test.class_names
    assert decode(train.encoded[3]).shape == (7, 6, 3)


def test_several_sizes_stay_encoded(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(level(9)).save(buffer, "JPEG")
    examples = [{"image": level(1)}, {"image": level(2, 8, 8)}, {"image": io.BytesIO(buffer.getvalue())}]
    store(tmp_path, features(), {"train": examples})
    source = from_tfds("tiny", data_dir=tmp_path)
    assert source.images is None
    assert source.sizes.tolist() == [[4, 6], [8, 8], [4, 6]]
    assert [decode(data)[0, 0, 0] for data in source.encoded] == [1, 2, 9]
    assert source.jpeg.tolist() == [False, False, True]
    assert (source.labels, source.class_names) == (None, None)


def test_broken_images_take_their_labels_with_them(tmp_path):
    examples = [{"image": level(i), "label": i % 2} for i in range(4)]
    examples[1]["image"] = io.BytesIO(b"not an image")
    store(tmp_path, features(**LABELED), {"train": examples})
    source = from_tfds("tiny", data_dir=tmp_path)
    assert source.names == ("0", "2", "3")
    assert source.images[:, 0, 0, 0].tolist() == [0, 2, 3]
    assert source.labels.tolist() == [0, 0, 1]
    assert [name for name, _ in source.broken] == ["1"]


def test_minus_one_is_no_label(tmp_path):
    store(tmp_path, features(**LABELED), {"train": [{"image": level(i), "label": -1} for i in range(3)]})
    source = from_tfds("tiny", data_dir=tmp_path)
    assert (source.labels, source.class_names) == (None, None)


def test_a_number_is_a_label_without_a_name(tmp_path):
    kind = tfds.features.Scalar(np.int32)
    store(tmp_path, features(label=kind), {"train": [{"image": level(i), "label": 5} for i in range(3)]})
    source = from_tfds("tiny", data_dir=tmp_path)
    assert source.labels.tolist() == [5, 5, 5]
    assert source.class_names is None


def test_several_labels_are_no_label(tmp_path):
    kind = tfds.features.Sequence(tfds.features.ClassLabel(num_classes=3))
    store(tmp_path, features(label=kind), {"train": [{"image": level(i), "label": [0, 1]} for i in range(3)]})
    assert from_tfds("tiny", data_dir=tmp_path).labels is None


def test_pixels_above_the_budget_stay_encoded(tmp_path):
    store(tmp_path, features(), {"train": [{"image": level(i, 100, 100)} for i in range(4)]})
    source = from_tfds("tiny", data_dir=tmp_path, memory_budget=50_000)  # the pixels would take 120,000 bytes
    assert source.images is None
    assert [decode(data)[0, 0, 0] for data in source.encoded] == [0, 1, 2, 3]


def test_more_than_the_budget_is_refused(data_dir):
    with pytest.raises(InputError, match=r"tfds:tiny:train takes more than .* GiB of memory: write .* folder"):
        from_tfds("tiny", data_dir=data_dir, memory_budget=100)


def test_unknown_name(tmp_path):
    with pytest.raises(InputError, match="no data set named 'no_such_thing'") as error:
        from_tfds("no_such_thing", data_dir=tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["tiny:9.9.9", "tiny/none", "no such name!"])
def test_name_that_tfds_cannot_open(data_dir, name):
    with pytest.raises(InputError) as error:
        from_tfds(name, data_dir=data_dir)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("split", ["validation", "train[", "train[:x]"])
def test_unknown_split(data_dir, split):
    with pytest.raises(InputError, match="Cannot read the split") as error:
        from_tfds("tiny", split, data_dir=data_dir)
    assert "\n" not in str(error.value)


def test_the_splits_there_are_get_named(data_dir):
    with pytest.raises(InputError, match=r"validation.*\['train', 'test'\]"):
        from_tfds("tiny", "validation", data_dir=data_dir)


def test_a_split_without_images(tmp_path):
    store(tmp_path, features(), {"train": [{"image": level(0)}], "test": []})
    for split in ("test", "train[:0]"):
        with pytest.raises(InputError, match="no data"):
            from_tfds("tiny", split, data_dir=tmp_path)


def test_no_image(tmp_path):
    kinds = tfds.features.FeaturesDict({"text": tfds.features.Text(), "label": LABELED["label"]})
    store(tmp_path, kinds, {"train": [{"text": "a", "label": 0}]})
    with pytest.raises(InputError, match=r"no images named image\. Received: label, text"):
        from_tfds("tiny", data_dir=tmp_path)


def test_a_failed_download_gives_its_reason(data_dir, monkeypatch):
    def fail(self, **options):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(InputError, match=r"^Cannot get tfds:tiny: ConnectionError: no route to host$"):
        from_tfds("tiny", data_dir=data_dir)


def test_is_quiet_and_leaves_no_trace(data_dir, monkeypatch, capfd, caplog):
    def noisy(self, **options):
        print("Downloading")
        for name in ("absl", "urllib3.connectionpool"):
            logging.getLogger(name).warning("Retrying")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", noisy)
    for name in ("absl", "urllib3"):
        caplog.set_level(logging.INFO, logger=name)
    from_tfds("tiny", data_dir=data_dir)
    assert capfd.readouterr().out == ""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [logging.getLogger(name).level for name in ("absl", "urllib3")] == [logging.INFO, logging.INFO]


class Drawn(tfds.core.GeneratorBasedBuilder):
    """Noise of several sizes, of one size, or with broken ones, made on this machine."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("sizes", "one_size", "broken")]  # noqa: RUF012

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=features(**LABELED, id=tfds.features.Text()))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(40, 0), "test": self._generate_examples(3, 1)}

    def _generate_examples(self, count, seed):
        rng = np.random.default_rng(seed)
        for i in range(count):
            height = 20 + (i % 7) * (self.builder_config.name == "sizes")
            image = rng.integers(0, 256, (height, 24, 3), np.uint8)
            if self.builder_config.name == "broken" and i == 5:
                image = io.BytesIO(b"no image")
            yield i, {"image": image, "label": i % 2, "id": str(i)}


@pytest.fixture(scope="module")
def drawn_dir(tmp_path_factory):
    """What `from_tfds` makes of it, and for each configuration the images, labels and ids by TFDS itself."""
    folder, expected = tmp_path_factory.mktemp("drawn"), {}
    for name in ("sizes", "one_size", "broken"):
        builder = Drawn(config=name, data_dir=folder)
        # In several files, which is all that a larger one would change.
        config = tfds.download.DownloadConfig(num_shards=3, try_download_gcs=False)
        builder.download_and_prepare(download_config=config, file_format="array_record")
        skip = {"image": tfds.decode.SkipDecoding()}
        records = builder.as_data_source("train", decoders=skip)
        expected[name] = [(record["image"], record["label"]) for record in records]
    return folder, expected


def test_array_record_is_read_at_random(drawn_dir):
    folder, expected = drawn_dir
    images, labels = zip(*expected["sizes"], strict=True)
    source = from_tfds("drawn/sizes", data_dir=folder, memory_budget=1)
    assert source.images is None
    assert not isinstance(source.encoded, MemoryImages)
    assert list(source.encoded) == list(images)
    assert source.labels.tolist() == list(labels)
    assert sorted(labels) == [0] * 20 + [1] * 20
    assert source.class_names == ("cat", "dog")
    assert source.names == [str(i) for i in range(40)]
    assert source.encoded[[39, 0, 39]].take([0, 1, 2]) == [images[39], images[0], images[39]]
    part = from_tfds("drawn/sizes", "train[10:15]+test", data_dir=folder)
    assert list(part.encoded)[:5] == list(images[10:15])
    assert (len(part), part.labels[:5].tolist()) == (8, list(labels[10:15]))


def test_array_record_of_one_size_is_held(drawn_dir):
    folder, expected = drawn_dir
    source = from_tfds("drawn/one_size", data_dir=folder)
    np.testing.assert_array_equal(source.images, [decode(image) for image, _ in expected["one_size"]])
    assert (source.encoded, source.labels.tolist()) == (None, [label for _, label in expected["one_size"]])


def test_broken_records_take_their_labels_with_them(drawn_dir):
    folder, expected = drawn_dir
    (bad,) = [i for i, (image, _) in enumerate(expected["broken"]) if image == b"no image"]
    source = from_tfds("drawn/broken", data_dir=folder)
    assert [name for name, _ in source.broken] == [str(bad)]
    assert str(bad) not in source.names
    assert source.labels.tolist() == [label for i, (_, label) in enumerate(expected["broken"]) if i != bad]


@pytest.mark.slow
def test_training_from_array_record_is_training_from_files(drawn_dir, tmp_path):
    folder, expected = drawn_dir
    for i, (image, _) in enumerate(expected["sizes"]):
        (tmp_path / f"{i:02}.png").write_bytes(image)
    sources = open_source(tmp_path), from_tfds("drawn/sizes", data_dir=folder)
    batches = [two_view_batches(source, TwoViews(16), batch_size=20, total_steps=3, seed=5) for source in sources]
    for from_files, from_records in zip(*batches, strict=True):
        np.testing.assert_array_equal(from_files, from_records)


def test_records_are_checked_once(drawn_dir, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder, _ = drawn_dir
    for path in folder.rglob("*.array_record*"):
        os.utime(path, (1e9, 1e9))  # what has just been written is not trusted
    before = from_tfds("drawn/sizes", data_dir=folder)
    monkeypatch.setattr(validate, "check", None)
    again = from_tfds("drawn/sizes", data_dir=folder)
    assert again.sizes.tolist() == before.sizes.tolist()
    assert again.labels.tolist() == before.labels.tolist()
    assert again.class_names == before.class_names


def test_threads_read_the_same(drawn_dir):
    folder, expected = drawn_dir
    source, wrong = from_tfds("drawn/sizes", data_dir=folder), []

    def read(seed):
        for index in np.random.default_rng(seed).integers(0, 40, 300):
            if source.encoded[index] != expected["sizes"][index][0]:
                wrong.append(index)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("split", ["validation", "train[", "test[:0]"])
def test_splits_of_array_record_that_there_are_not(drawn_dir, split):
    with pytest.raises(InputError, match=r"^Cannot read the split .* of tfds:drawn/sizes: ") as error:
        from_tfds("drawn/sizes", split, data_dir=drawn_dir[0])
    assert "\n" not in str(error.value)


def test_a_damaged_record_is_named(drawn_dir, tmp_path):
    folder, expected = drawn_dir
    path = max(folder.glob("drawn/sizes/1.0.0/*train.array_record-00001*"))
    content = path.read_bytes()
    image = expected["sizes"][20][0]
    place = content.find(image[200:300])
    assert place > 0
    path.write_bytes(content[:place] + bytes(20) + content[place + 20 :])
    try:
        source = from_tfds("drawn/sizes", data_dir=folder)
    finally:
        path.write_bytes(content)
    assert [name for name, _ in source.broken] == ["20"]


def test_what_is_not_on_the_disk_is_prepared_as_array_record(tmp_path):
    source = from_tfds("drawn/sizes", "test", data_dir=tmp_path)
    assert len(source) == 3
    assert [path.name for path in tmp_path.rglob("*test*00000*")] == ["drawn-test.array_record-00000-of-00001"]


def test_what_was_prepared_as_tfrecord_is_read_as_it_is(tmp_path):
    config = tfds.download.DownloadConfig(try_download_gcs=False)
    Drawn(config="sizes", data_dir=tmp_path).download_and_prepare(download_config=config)
    assert len(from_tfds("drawn/sizes", data_dir=tmp_path)) == 40
    assert [*tmp_path.rglob("*array_record*")] == []
    with pytest.raises(InputError, match=r"set TFDS_DATA_DIR .* prepared as array_record .*Received: tfrecord in"):
        from_tfds("drawn/sizes", data_dir=tmp_path, memory_budget=100)
