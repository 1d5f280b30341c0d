"""Files in the COCO format, good and bad."""

import json

import numpy as np
import pytest
from PIL import Image

from byol_keras.errors import InputError
from byol_keras.tasks.detection.coco import read_coco


@pytest.fixture
def street(tmp_path):
    """Two images of 40 x 30 pixels, three boxes, two categories."""
    coco = {
        "images": [
            {"id": 5, "file_name": "b.png", "width": 40, "height": 30},
            {"id": 3, "file_name": "a.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 9, "bbox": [10, 5, 20, 15]},
            {"id": 2, "image_id": 3, "category_id": 2, "bbox": [0, 0, 40, 30], "iscrowd": 1},
            {"id": 3, "image_id": 5, "category_id": 2, "bbox": [-0.5, 2.5, 10.5, 8]},
        ],
        "categories": [{"id": 9, "name": "van"}, {"id": 2, "name": "car"}],
    }
    for name in ("a", "b"):
        Image.fromarray(np.full((30, 40, 3), 128, np.uint8)).save(tmp_path / f"{name}.png")
    return tmp_path, coco


def read(street):
    folder, coco = street
    (folder / "boxes.json").write_text(json.dumps(coco))
    return read_coco(folder / "boxes.json")


def test_boxes_are_corners_inside_their_image(street):
    boxed = read(street)
    assert boxed.source.names == ("b.png", "a.png")
    np.testing.assert_array_equal(boxed.boxes[0], [[0, 2.5, 10, 10.5]])
    np.testing.assert_array_equal(boxed.boxes[1], [[10, 5, 30, 20], [0, 0, 40, 30]])


def test_classes_are_numbered_by_the_ids_of_the_categories(street):
    boxed = read(street)
    assert boxed.class_names == ("car", "van")
    assert [labels.tolist() for labels in boxed.classes] == [[0], [1, 0]]


def test_crowds_are_no_objects(street):
    boxed = read(street)
    assert [crowd.tolist() for crowd in boxed.crowd] == [[False], [False, True]]
    assert boxed.objects == 2


def test_an_image_without_boxes_has_none(street):
    del street[1]["annotations"][2]
    assert read(street).boxes[0].shape == (0, 4)


def test_images_may_lie_in_another_folder(street, tmp_path_factory):
    folder, coco = street
    path = tmp_path_factory.mktemp("annotations") / "boxes.json"
    path.write_text(json.dumps(coco))
    assert len(read_coco(path, folder)) == 2
    with pytest.raises(InputError, match=r"boxes\.json: image 5 is missing: no file .*b\.png"):
        read_coco(path)


def test_sizes_that_are_null_are_as_if_missing(street):
    street[1]["images"][0].update(width=None, height=None)
    assert len(read(street)) == 2
    street[1]["images"][0]["height"] = 31
    with pytest.raises(InputError, match=r"\(b\.png\) is 40 x 30 pixels, the file says 40 x 31"):
        read(street)


def test_a_tilde_is_the_home(street, monkeypatch):
    expected = read(street)
    monkeypatch.setenv("HOME", str(street[0]))
    for arguments in (["~/boxes.json"], ["~/boxes.json", "~"]):
        assert read_coco(*arguments).source.paths == expected.source.paths


BAD_ANNOTATIONS = {
    "outside": ({"bbox": [50, 5, 10, 10]}, r"boxes\.json: annotation 1: its box reaches outside .* a\.png of 40 x 30"),
    "over the edge": ({"bbox": [30, 5, 12, 10]}, "annotation 1: its box reaches outside"),
    "on the edge": ({"bbox": [40, 5, 0.5, 10]}, "annotation 1: its box lies outside"),
    "no area": ({"bbox": [10, 5, 0, 10]}, "annotation 1: its box has no area"),
    "negative": ({"bbox": [10, 5, 5, -10]}, "annotation 1: its box has no area"),
    "huge": ({"bbox": [0, 0, 10**30, 10]}, "annotation 1: bbox must be four numbers"),
    "three numbers": ({"bbox": [10, 5, 5]}, "annotation 1: bbox must be four numbers"),
    "not numbers": ({"bbox": ["10", 5, 5, 5]}, "annotation 1: bbox must be four numbers"),
    "not finite": ({"bbox": [10, 5, float("nan"), 5]}, "annotation 1: bbox must be four numbers"),
    "unknown image": ({"image_id": 77}, "annotation 1 is of the image 77, which is not among `images`"),
    "unknown category": ({"category_id": 8}, "annotation 1 has the category 8, which is not among `categories`"),
    "same id": ({"id": 3}, "two annotations have the id 3"),
    "id of no sort": ({"id": [1]}, "`id` of an annotation must be a number or a text"),
}


@pytest.mark.parametrize(("change", "message"), BAD_ANNOTATIONS.values(), ids=BAD_ANNOTATIONS)
def test_a_bad_annotation_is_named(street, change, message):
    street[1]["annotations"][0].update(change)
    with pytest.raises(InputError, match=message):
        read(street)


@pytest.mark.parametrize("key", ["id", "image_id", "category_id", "bbox"])
def test_what_is_missing_in_an_annotation_is_named(street, key):
    del street[1]["annotations"][0][key]
    with pytest.raises(InputError, match=rf"boxes\.json: (an annotation|annotation 1) has no `{key}`"):
        read(street)


BAD_IMAGES = {
    "missing": ({"file_name": "c.png"}, r"image 5 is missing: no file .*c\.png"),
    "no image": ({"file_name": "boxes.json"}, r"cannot be decoded: boxes\.json"),
    "another size": ({"width": 80}, r"image 5 \(b\.png\) is 40 x 30 pixels, the file says 80 x 30"),
    "same id": ({"id": 3}, "two images have the id 3"),
    "name of no sort": ({"file_name": 4}, "`file_name` of image 5 is not a text"),
}


@pytest.mark.parametrize(("change", "message"), BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_a_bad_image_is_named(street, change, message):
    street[1]["images"][0].update(change)
    with pytest.raises(InputError, match=message):
        read(street)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("images", [], "no images"),
        ("categories", [], "no categories"),
        ("annotations", [], "no box of an object"),
        ("annotations", {}, "no list of objects called `annotations`"),
        ("images", ["a.png"], "no list of objects called `images`"),
        ("categories", [{"id": 2, "name": "car"}, {"id": 9, "name": "car"}], "two categories have one name"),
        ("categories", [{"id": 2, "name": "car"}, {"id": 2, "name": "van"}], "two categories have the id 2"),
    ],
)
def test_a_file_without_its_parts_is_named(street, part, value, message):
    street[1][part] = value
    with pytest.raises(InputError, match=message):
        read(street)


@pytest.mark.parametrize(("text", "message"), [("boxes", "is not JSON"), ("[1]", "not in the COCO format")])
def test_a_file_of_something_else_is_named(tmp_path, text, message):
    path = tmp_path / "boxes.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_coco(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"No file with boxes at .*none\.json"):
        read_coco(tmp_path / "none.json")
