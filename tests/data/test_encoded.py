import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches
from byol_keras.data.encoded import EncodedImages, MemoryImages
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.loading import FILES_PER_CALL, crop_loader, whole_loader
from byol_keras.data.lost_files import lost_files, naming_lost_files
from byol_keras.data.train_pipeline import labeled_batches
from byol_keras.data.validate import check_at
from byol_keras.errors import InputError


class Counted(EncodedImages):
    """Images that say what was asked for in each call, and of which one may have gone."""

    def __init__(self, contents):
        self.contents, self.calls, self.gone = list(contents), [], None

    def __len__(self):
        return len(self.contents)

    def take(self, indices):
        self.calls.append([int(index) for index in indices])
        if self.gone in self.calls[-1]:
            raise InputError(f"{self.gone} has gone")
        return [self.contents[index] for index in indices]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 images of sizes of their own, noise, of two classes; every second a JPEG."""
    path, rng = tmp_path_factory.mktemp("folder"), np.random.default_rng(0)
    for i in range(40):
        pixels = rng.integers(0, 256, (20 + i % 7, 30 - i % 5, 3), np.uint8)
        (path / f"c{i % 2}").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path / f"c{i % 2}" / f"{i:02}.{'png' if i // 2 % 2 else 'jpg'}")
    return open_source(path)


@pytest.fixture
def counted(folder):
    """The same as encoded images."""
    contents = [Path(path).read_bytes() for path in folder.paths]
    return dataclasses.replace(folder, paths=None, encoded=Counted(contents))


@pytest.mark.parametrize("images", [MemoryImages([b"a", b"b", b"c\0"]), Counted([b"a", b"b", b"c\0"])])
def test_images_by_number_and_parts_of_them(images):
    assert (len(images), images[0], images[-1], images[np.int64(1)]) == (3, b"a", b"c\0", b"b")
    assert list(images) == [b"a", b"b", b"c\0"]
    with pytest.raises(IndexError):
        images[3]
    part = images[[2, 0, 2]]
    assert (len(part), list(part), part[-1], part.take([1, 0])) == (3, [b"c\0", b"a", b"c\0"], b"c\0", [b"a", b"c\0"])
    assert list(part[np.array([False, True, True])][::-1]) == [b"c\0", b"a"]
    assert list(images[3:]) == []


def test_nothing_is_read_to_make_a_part(counted):
    part = counted.subset(counted.labels == 1).subset(slice(3, 5))
    assert counted.encoded.calls == []
    assert list(part.encoded) == [counted.encoded.contents[i] for i in np.flatnonzero(counted.labels == 1)[3:5]]


def test_memory_of_what_is_not_chosen_is_given_back():
    part = MemoryImages([bytes(100), b"a"])[1:]
    assert part._contents == (b"a",)


@pytest.mark.slow
def test_training_sees_what_it_sees_from_files(folder, counted):
    def views(source):
        return two_view_batches(source, TwoViews(16), batch_size=20, total_steps=3, seed=5)

    for batch, expected in zip(views(counted), views(folder), strict=True):
        np.testing.assert_array_equal(batch, expected)
    for batch, expected in zip(*(labeled_batches(s, 16, 20, 2, 1) for s in (counted, folder)), strict=True):
        np.testing.assert_array_equal(batch[0], expected[0])
        np.testing.assert_array_equal(batch[1], expected[1])


def test_embedding_sees_what_it_sees_from_files_and_reads_several_a_call(folder, counted):
    for batch, expected in zip(*(ordered_batches(s, 16, 25) for s in (counted, folder)), strict=True):
        np.testing.assert_array_equal(batch, expected)
    calls = sorted(counted.encoded.calls)
    assert calls == [list(range(i, min(i + FILES_PER_CALL, 40))) for i in range(0, 40, FILES_PER_CALL)]


def test_training_reads_several_a_call(counted):
    list(two_view_batches(counted, TwoViews(16), batch_size=32, total_steps=1, seed=5))
    assert sorted(map(len, counted.encoded.calls)) == [16, 16]


def test_loaders_of_one_image(folder, counted):
    for index in (0, 5):
        index = tf.constant(index, tf.int64)
        image, expected = (tf.function(whole_loader(source))(index) for source in (counted, folder))
        np.testing.assert_array_equal(image, expected)
        boxes = tf.constant([(1, 2, 10, 12), (4, 0, 9, 9)])
        crops, expected = (tf.function(crop_loader(source, 8))(index, boxes) for source in (counted, folder))
        np.testing.assert_array_equal(crops, expected)


def test_what_cannot_be_read_has_a_reason():
    images = Counted([b"no image", b""])
    images.gone = 1
    assert check_at(images, 0).reason == "not a readable JPEG, PNG, WebP, BMP or GIF file"
    assert check_at(images, 1).reason == "1 has gone"


def test_an_image_that_went_is_named(counted):
    counted.encoded.gone = 7
    said = r"^1 of 40 images can no longer be read: c0/14\.\w+ \(7 has gone\)"
    with pytest.raises(InputError, match=said), naming_lost_files(counted):
        list(ordered_batches(counted, 16))
    assert lost_files(counted) == {}
    assert lost_files(counted, range(40)) == {7: "7 has gone"}


def test_an_image_that_is_another_now_is_named(counted):
    buffer = io.BytesIO()
    Image.new("RGB", (5, 6)).save(buffer, "PNG")
    counted.encoded.contents[2] = buffer.getvalue()
    assert list(lost_files(counted, [1, 2])) == [2]
