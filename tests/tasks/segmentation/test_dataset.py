"""Folders of images: what is read from them, and what is refused."""

import shutil

import numpy as np
import pytest
from PIL import Image

from byol_keras.errors import InputError
from byol_keras.tasks.segmentation.dataset import open_segmentation
from byol_keras.tasks.segmentation.label_maps import VOID

from ...data.hostile import png


@pytest.fixture
def folder(draw_dataset, tmp_path):
    return draw_dataset(tmp_path / "dataset")


def save(numbers, path, mode=None):
    Image.fromarray(np.asarray(numbers, np.uint8), mode).save(path)


def test_images_and_classes_are_those_of_the_files(folder):
    dataset = open_segmentation(folder)
    assert dataset.names == ("0.png", "1.png", "2.png", "3.png")
    assert dataset.class_names == ("sky", "ground", "box")
    numbers = np.asarray(Image.open(folder / "labels" / "1.png"))
    labels = dataset.labels(1)
    # "void" is number 2 in classes.txt, so "box", number 3, is the class 2.
    for number, expected in ((0, 0), (1, 1), (2, VOID), (3, 2), (255, VOID)):
        assert (labels[numbers == number] == expected).all()
    np.testing.assert_array_equal(dataset.image(1), np.asarray(Image.open(folder / "images" / "1.png")))
    np.testing.assert_array_equal(dataset.pixels[1], [(numbers == n).sum() for n in (0, 1, 3)])


def test_a_subset_keeps_images_and_maps_together(folder):
    dataset = open_segmentation(folder)
    two = dataset.subset(np.array([3, 1]))
    assert two.names == ("3.png", "1.png")
    np.testing.assert_array_equal(two.labels(0), dataset.labels(3))
    np.testing.assert_array_equal(two.pixels, dataset.pixels[[3, 1]])
    for indices in ((3, 1), [3, 1], range(3, 0, -2)):
        assert dataset.subset(indices).names == two.names
        np.testing.assert_array_equal(dataset.subset(indices).pixels, two.pixels)
    assert dataset.subset([]).pixels.shape == (0, 3)


def test_without_names_the_numbers_are_the_names(folder):
    (folder / "classes.txt").unlink()
    dataset = open_segmentation(folder)
    assert dataset.class_names == ("0", "1", "2", "3")
    assert dataset.labels(0)[0, 0] == VOID


@pytest.mark.parametrize("names", [None, "void\n"])
def test_label_maps_that_are_all_void_have_no_class(folder, names):
    for path in (folder / "labels").iterdir():
        save(np.full((40, 56), 255), path)
    (folder / "classes.txt").unlink()
    if names is not None:
        (folder / "classes.txt").write_text(names)
    with pytest.raises(InputError, match=r"The label maps in .*dataset are all void: there is no class"):
        open_segmentation(folder)


def test_a_tilde_is_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert open_segmentation(f"~/{folder.name}").images == open_segmentation(folder).images


def test_a_palette_is_for_people(folder):
    path = folder / "labels" / "0.png"
    numbers = np.asarray(Image.open(path))
    image = Image.fromarray(numbers).convert("P")
    image.putpalette([7, 200, 9] * 256)
    image.save(path)
    np.testing.assert_array_equal(open_segmentation(folder).labels(0), open_segmentation(folder).indices[numbers])


@pytest.mark.parametrize("bits", [2, 4])
def test_gray_of_few_bits_has_the_numbers_that_are_stored(bits, folder):
    path, numbers = folder / "labels" / "0.png", np.random.default_rng(0).integers(0, 4, (40, 56))
    stored = np.unpackbits(numbers.astype(np.uint8)[..., None], axis=-1)[..., -bits:].reshape(40, -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in stored)
    path.write_bytes(png(rows, 56, 40, bits, 0))
    np.testing.assert_array_equal(open_segmentation(folder).labels(0), open_segmentation(folder).indices[numbers])


def test_images_may_lie_in_subfolders_and_be_jpegs(folder):
    for kind in ("images", "labels"):
        (folder / kind / "monday").mkdir()
        shutil.move(folder / kind / "0.png", folder / kind / "monday" / "0.png")
    Image.open(folder / "images" / "monday" / "0.png").save(folder / "images" / "monday" / "0.jpg")
    (folder / "images" / "monday" / "0.png").unlink()
    assert "monday/0.jpg" in open_segmentation(folder).names


def map_of_another_size(folder):
    save(np.zeros((20, 28)), folder / "labels" / "2.png")


def map_missing(folder):
    (folder / "labels" / "2.png").unlink()


def map_without_image(folder):
    (folder / "images" / "2.png").unlink()


def map_with_a_number_beyond_the_names(folder):
    save(np.full((40, 56), 4), folder / "labels" / "2.png")


def map_in_colors(folder):
    save(np.zeros((40, 56, 3)), folder / "labels" / "2.png")


def map_of_16_bits(folder):
    Image.fromarray(np.zeros((40, 56), np.uint16)).save(folder / "labels" / "2.png")


def map_broken(folder):
    path = folder / "labels" / "2.png"
    path.write_bytes(path.read_bytes()[:60])


def map_no_png(folder):
    (folder / "labels" / "2.png").write_text("sky")


def image_broken(folder):
    (folder / "images" / "2.png").write_bytes(b"")


def two_images_of_one_map(folder):
    Image.open(folder / "images" / "2.png").save(folder / "images" / "2.jpg")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (map_of_another_size, r"labels/2\.png has 28 x 20 pixels, its image .*images/2\.png 56 x 40"),
        (map_missing, r"The label map .*labels/2\.png of .*images/2\.png is missing"),
        (map_without_image, r"labels/2\.png has no image"),
        (
            map_with_a_number_beyond_the_names,
            r"labels/2\.png has the class number 4, but .*classes\.txt .* 0 to 3 only",
        ),
        (map_in_colors, r"labels/2\.png is no label map.* mode RGB"),
        (map_of_16_bits, r"labels/2\.png is no label map.* mode I;16"),
        (map_broken, r"Cannot read the label map .*labels/2\.png"),
        (map_no_png, r"Cannot read the label map .*labels/2\.png: not a PNG file"),
        (image_broken, r"Cannot decode .*images/2\.png: the file is empty"),
        (two_images_of_one_map, r"2\.jpg and .*2\.png would have the same label map"),
    ],
)
def test_a_file_that_does_not_fit_is_named(folder, spoil, message):
    spoil(folder)
    with pytest.raises(InputError, match=message) as raised:
        open_segmentation(folder)
    assert "\n" not in str(raised.value)


def test_empty_and_missing_folders(folder):
    with pytest.raises(InputError, match=r"No such folder: .*nowhere/images"):
        open_segmentation(folder / "nowhere")
    for path in (folder / "images").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"No images in .*images"):
        open_segmentation(folder)


@pytest.mark.parametrize("text", ["", "\n", "sky\n\nground\n", "sky\nsky\n", "a\n" * 300])
def test_class_names_that_cannot_be(folder, text):
    (folder / "classes.txt").write_text(text)
    with pytest.raises(InputError, match=r"classes\.txt must hold 1 to 255 names"):
        open_segmentation(folder)


def test_test_images_have_the_classes_of_the_training_images(folder, draw_dataset, tmp_path):
    train, other = open_segmentation(folder), draw_dataset(tmp_path / "other")
    (other / "classes.txt").unlink()
    assert open_segmentation(other, like=train).class_names == ("sky", "ground", "box")
    (other / "classes.txt").write_text("sky\nvoid\nground\nbox\n")
    with pytest.raises(InputError, match=r"classes\.txt does not have the classes of the training images: sky, ground"):
        open_segmentation(other, like=train)
    (other / "classes.txt").write_text("ground\nsky\nvoid\nbox\n")
    with pytest.raises(InputError, match=r"classes\.txt does not have the classes of the training images: sky, ground"):
        open_segmentation(other, like=train)
    (folder / "classes.txt").unlink()
    (other / "classes.txt").write_text("ground\nsky\nbox\nedge\n")
    assert open_segmentation(other, like=open_segmentation(folder)).class_names == ("0", "1", "2", "3")
    (other / "classes.txt").unlink()
    map_with_a_number_beyond_the_names(other)
    with pytest.raises(InputError, match=r"labels/2\.png has the class number 4, but the list of the training images"):
        open_segmentation(other, like=train)


def test_a_label_map_too_large_to_be_meant(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"Cannot read the label map .*labels/0\.png: Image size"):
        open_segmentation(folder)
