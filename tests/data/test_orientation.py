"""Images in all eight EXIF orientations are one image, wherever they are read."""

import io
import warnings

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source, two_view_batches
from byol_keras.data.decode import check, decode
from byol_keras.data.encoded import MemoryImages
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.loading import crop_loader, whole_loader
from byol_keras.data.lost_files import lost_files
from byol_keras.data.validate import check_all

from .turned import ORIENTATIONS, blocks, folder_of, stored

KINDS = ("JPEG", "PNG", "WEBP")


@pytest.fixture(scope="module", params=KINDS)
def folder(request, tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("turned"), blocks(), request.param)


def near(actual, expected):
    """But for the rounding of a JPEG's colors."""
    np.testing.assert_allclose(np.float32(actual), np.float32(expected), atol=3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_an_image_is_decoded_upright(kind, orientation):
    image = blocks()
    data = stored(image, orientation, kind)
    near(decode(data), image)
    assert decode(data).flags.c_contiguous
    found = check(data, image.shape[:2])
    assert (found.size, found.orientation) == (image.shape[:2], orientation)
    np.testing.assert_array_equal(found.pixels, decode(data))
    assert check(data).size == image.shape[:2]
    assert check(data, (112, 80)).pixels is None
    assert check(data, (8, 8)).pixels is None


def test_pixels_held_in_memory_are_upright(folder):
    source = open_source(folder)
    assert source.images.shape == (8, 80, 112, 3)
    near(source.images, np.stack([blocks()] * 8))
    assert source.sizes.tolist() == [[80, 112]] * 8
    assert source.orientations.tolist() == [*ORIENTATIONS]


@pytest.fixture(scope="module")
def from_files(folder):
    """The same source, its pixels not held."""
    return open_source(folder, memory_budget=0)


def test_files_are_read_upright(from_files):
    assert from_files.images is None
    load = tf.function(whole_loader(from_files))
    for index in range(8):
        near(load(tf.constant(index)), blocks())


def test_crops_of_files_lie_in_the_upright_image(from_files):
    load = tf.function(crop_loader(from_files, 16))
    boxes = tf.constant([(16, 32, 48, 64), (0, 0, 32, 32)])
    first = load(tf.constant(0, tf.int64), boxes)
    for index in range(1, 8):
        for crop, expected in zip(load(tf.constant(index, tf.int64), boxes), first, strict=True):
            np.testing.assert_allclose(crop, expected, atol=3 / 255)


# The other kinds differ where they are decoded, and crops of their files are tested above.
@pytest.mark.parametrize(
    "folder", ["JPEG", *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS[1:])], indirect=True
)
def test_views_of_files_are_those_of_the_upright_image(from_files):
    """Beside a batch of the first file eight times, of which each place in a batch gets the same crops."""
    views = TwoViews(image_size=16)
    drawn, expected = (
        np.stack([np.stack(batch[0]) for batch in two_view_batches(source, views, 8, 3, 5, shuffle=False)])
        for source in (from_files, from_files.subset([0] * 8))
    )
    assert drawn.shape == (3, 2, 8, 16, 16, 3)
    np.testing.assert_allclose(drawn, expected, atol=0.03)


def test_embedding_sees_the_central_square_upright(from_files, folder):
    held, read = (
        np.concatenate([*ordered_batches(source, 16).as_numpy_iterator()])
        for source in (open_source(folder), from_files)
    )
    for batch in (held, read):
        np.testing.assert_allclose(batch, np.stack([held[0]] * 8), atol=3 / 255)


def test_an_image_that_is_turned_meanwhile_is_noticed(tmp_path):
    folder_of(tmp_path, blocks())
    source = open_source(tmp_path)
    (tmp_path / "3.jpeg").write_bytes(stored(blocks(), 4))
    assert lost_files(source, range(8)) == {2: "stored in another orientation than before"}


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_there_is_not_changes_nothing(value):
    image = blocks()
    exif = Image.Exif()
    exif[0x0112] = value
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", exif=exif, quality=95, subsampling=0)
    assert check(file.getvalue()).orientation == 1
    near(decode(file.getvalue()), image)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40,
        b"Exif\0\0no TIFF",
        b"Exif\0\0",
        b"Exif\0\0MM\0*\xff\xff\xff\xff",
    ],
)
def test_damaged_exif_data_change_nothing(exif):
    file = io.BytesIO()
    Image.fromarray(blocks()).save(file, "JPEG", exif=exif, quality=95, subsampling=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(file.getvalue()).orientation == 1
        near(decode(file.getvalue()), blocks())


def test_encoded_images_in_memory_are_read_upright():
    """As those of a TFDS data set are, which hands on the files."""
    encoded = [stored(blocks(), orientation) for orientation in ORIENTATIONS]
    checked = check_all(encoded, [str(i) for i in ORIENTATIONS], "memory", memory_budget=0)
    source = checked.source([str(i) for i in ORIENTATIONS], encoded=MemoryImages(encoded))
    assert source.images is None
    assert source.sizes.tolist() == [[80, 112]] * 8
    batch = np.concatenate([*ordered_batches(source, 16).as_numpy_iterator()])
    np.testing.assert_allclose(batch, np.stack([batch[0]] * 8), atol=3 / 255)
