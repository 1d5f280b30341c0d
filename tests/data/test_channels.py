"""Gray images read as color and color read as gray, from folders, arrays and shards."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import cache_file, from_arrays, from_shards, open_source, two_view_batches, write_shards
from byol_keras.data.channels import fitting_channels, is_all_gray, with_channels
from byol_keras.data.containers.shard_index import read_shard_index, write_shard_index
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.errors import InputError


def picture(seed=0, size=(24, 20)):
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def write(folder, mode, names=("a.jpg", "b.png", "c.bmp"), **sizes):
    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(names):
        picture(seed, **sizes).convert(mode).save(folder / name)
    return folder


@pytest.fixture
def gray(tmp_path):
    return write(tmp_path / "gray", "L")


@pytest.fixture
def color(tmp_path):
    return write(tmp_path / "color", "RGB")


def test_a_folder_is_gray_where_every_file_is(gray):
    source = open_source(gray)
    assert source.channels == 3  # unless it is asked for
    assert is_all_gray(source)
    assert fitting_channels(source) == 1
    picture().save(gray / "d.png")
    mixed = open_source(gray)
    assert mixed.gray.tolist() == [True, True, True, False]
    assert fitting_channels(mixed) == 3
    assert fitting_channels(mixed.subset([0, 2])) == 1


@pytest.mark.parametrize(
    ("kind", "name", "is_gray"),
    [
        ("1", "a.png", True),
        ("LA", "a.png", True),
        ("I;16", "a.png", True),
        ("L", "a.gif", True),
        ("gray palette", "a.png", True),
        ("palette", "a.png", False),
        ("palette", "a.gif", False),
        ("RGBA", "a.png", False),
        ("CMYK", "a.jpg", False),
        # WebP has no gray, and what is stored as color is taken as it is.
        ("L", "a.webp", False),
        ("gray RGB", "a.png", False),
    ],
)
def test_what_is_gray(kind, name, is_gray, tmp_path):
    image = picture()
    if kind == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    elif kind == "gray palette":
        image = image.convert("L").convert("P", palette=Image.Palette.ADAPTIVE)
        assert image.mode == "P"
    elif kind == "palette":
        image = image.quantize(20)
    elif kind == "gray RGB":
        image = image.convert("L").convert("RGB")
    else:
        image = image.convert(kind)
    image.save(tmp_path / name)
    assert open_source(tmp_path).gray.tolist() == [is_gray]


def test_the_saved_check_knows_it(gray, monkeypatch):
    monkeypatch.setattr(cache_file, "GRANULARITY", 0)
    first = open_source(gray, memory_budget=0)

    def read(*_):
        raise AssertionError("an image was decoded again")

    monkeypatch.setattr("byol_keras.data.validate.check", read)
    again = open_source(gray, memory_budget=0)
    assert again.gray.tolist() == first.gray.tolist() == [True] * 3


@pytest.mark.parametrize("held", [True, False])
def test_gray_files_have_the_pixels_of_one_channel(held, gray):
    source = open_source(gray, hold_pixels=held)
    one = with_channels(source, 1)
    assert (one.images is not None) is held
    assert (one.channels, source.channels) == (1, 3)
    (pixels,), (colors,) = (ordered_batches(each, 16).as_numpy_iterator() for each in (one, source))
    assert pixels.shape == (3, 16, 16, 1)
    np.testing.assert_allclose(np.repeat(pixels, 3, axis=-1), colors, atol=3e-7)  # the rounding of resizing
    np.testing.assert_array_equal(with_channels(one, 3).decoded_channels, 3)


@pytest.mark.parametrize("held", [True, False])
def test_colors_become_their_luma(held, color):
    source = with_channels(open_source(color, hold_pixels=held), 1)
    (pixels,) = ordered_batches(source, 20).as_numpy_iterator()
    for got, name in zip(pixels, ("a.jpg", "b.png", "c.bmp"), strict=True):
        whole = np.asarray(Image.open(color / name), np.float64)[:, 2:22] @ [0.299, 0.587, 0.114]
        # Of a JPEG the luma that stands in the file, which its colors are cut off from.
        np.testing.assert_allclose(got[..., 0] * 255, whole[:20], atol=3 if name == "a.jpg" else 1)


@pytest.mark.parametrize("held", [True, False])
def test_views_of_one_channel(held, color):
    source = with_channels(open_source(color, hold_pixels=held), 1)
    views = next(iter(two_view_batches(source, TwoViews(16), 2, 1, seed=0)))[0]
    assert [view.shape.as_list() for view in views] == [[2, 16, 16, 1]] * 2
    assert all(float(tf.math.reduce_std(view)) > 0.05 for view in views)


def test_arrays_of_one_channel_become_color_and_back():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), np.uint8)
    source = from_arrays(images, np.arange(3))
    assert fitting_channels(source) == 1
    assert with_channels(source, 1) is source
    colors = with_channels(source, 3)
    np.testing.assert_array_equal(colors.images, np.repeat(images, 3, axis=-1))
    np.testing.assert_array_equal(with_channels(colors, 1).images, images)
    assert fitting_channels(colors) == 3  # whoever made an array decided
    assert colors.labels is source.labels


def test_other_channels_are_refused():
    source = from_arrays(np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(InputError, match=r"Images of 4 channels are needed \(1 gray, 3 color\), these have 1: only"):
        with_channels(source, 4)


def test_16_bits_stay_as_color_and_as_gray():
    levels = np.array([[[[0, 0, 65535], [1000, 1000, 1000]]]], np.uint16)
    source = from_arrays(levels, value_range=(0, 65535))
    gray = with_channels(source, 1)
    assert gray.images.dtype == np.uint16
    assert gray.images.ravel().tolist() == [round(0.114 * 65535), 1000]
    assert with_channels(gray, 3).images[0, 0, 1].tolist() == [1000] * 3


def test_shards_refuse_what_they_cannot_hold(tmp_path):
    for source in (
        from_arrays(np.zeros((2, 8, 8, 4), np.uint8)),
        from_arrays(np.zeros((2, 8, 8), np.uint16), value_range=(0, 1)),
    ):
        with pytest.raises(InputError, match=r"Shards hold gray or RGB images of 8 bits\. Received: images of"):
            write_shards(source, tmp_path / "shards")


def test_shards_know_it_and_those_of_before_do_not(gray, tmp_path):
    write_shards(open_source(gray, hold_pixels=False), tmp_path / "shards")
    source = from_shards(tmp_path / "shards", memory_budget=0)
    assert fitting_channels(source) == 1
    (pixels,) = ordered_batches(with_channels(source, 1), 16).as_numpy_iterator()
    (expected,) = ordered_batches(with_channels(open_source(gray), 1), 16).as_numpy_iterator()
    np.testing.assert_allclose(pixels, expected, atol=1e-6)
    index = read_shard_index(tmp_path / "shards" / "images-00000.array_record")
    object.__setattr__(index, "gray", None)
    write_shard_index(tmp_path / "before.array_record", index)
    assert read_shard_index(tmp_path / "before.array_record").gray is None
