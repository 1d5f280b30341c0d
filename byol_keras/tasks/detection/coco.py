"""Boxes in the format of the COCO data set (https://cocodataset.org/#format-data)."""

import contextlib
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...data.broken import list_broken
from ...data.validate import MEMORY_BUDGET, check_all
from ...errors import InputError
from ...utils.extras import require_extra
from ...utils.text_file import read_text_file
from .dataset import DetectionDataset

if TYPE_CHECKING:
    from pycocotools.coco import COCO

# Tools round to whole pixels: by so much a box may lie over the edge. It is cut off there.
OVER_THE_EDGE = 1.0
LARGEST = 1e9  # no number of a box comes near it
# The lists of a file, and what an entry of each is called.
PARTS = {"categories": "a category", "images": "an image", "annotations": "an annotation"}


def read_coco(
    path: str | os.PathLike, images: str | os.PathLike | None = None, memory_budget: int = MEMORY_BUDGET
) -> DetectionDataset:
    """Reads images and boxes.

    Args:
        path: a .json with `images` (id, file_name, and width and height where known), `annotations` (id, image_id,
            category_id, bbox [left, top, width, height] in pixels, iscrowd where it is 1) and `categories` (id, name).
        images: the folder that the file names start from; by default that of the .json.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        DetectionDataset in the order of the file. Class 0 is the category with the lowest id.

    Raises:
        InputError: for a file of something else, an image that is missing, cannot be decoded or has another size than
            the file says, an annotation of an unknown image or category, a box without area or outside its image,
            or no box at all; or when pycocotools is not installed.

    Example:
        dataset = bk.tasks.read_coco("street/boxes.json")
    """
    path = Path(path).expanduser()
    coco = coco_index(_checked(path))
    ids = sorted(coco.cats, key=lambda i: (isinstance(i, str), i))
    source = _images(coco.imgs, Path(images).expanduser() if images is not None else path.parent, path, memory_budget)
    boxes, classes, crowd = [], [], []
    for image, size, name in zip(coco.imgs, source.sizes, source.names, strict=True):
        objects = coco.imgToAnns[image]
        corners = [_box(entry["bbox"], size, f"{path}: annotation {entry['id']}", name) for entry in objects]
        boxes.append(np.array(corners, np.float32).reshape(-1, 4))
        classes.append(np.array([ids.index(entry["category_id"]) for entry in objects], np.int64))
        crowd.append(np.array([bool(entry.get("iscrowd", 0)) for entry in objects], bool))
    class_names = tuple(str(coco.cats[i]["name"]) for i in ids)
    dataset = DetectionDataset(source, tuple(boxes), tuple(classes), tuple(crowd), class_names)
    if not dataset.objects:
        raise InputError(f"{path} has no box of an object: nothing to detect.")
    return dataset


def coco_index(content: dict) -> "COCO":
    """pycocotools' index of what stands in a file in the COCO format; it prints nothing."""
    require_extra("Boxes in the COCO format", "pycocotools")
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def _checked(path):
    """What stands in the file, when pycocotools can make an index of it and it means something.

    pycocotools reads a file in the encoding of the locale, says of a bad one no more than KeyError: 'id', and of two
    entries with one id takes the second.
    """
    if not path.is_file():
        raise InputError(f"No file with boxes at {path}: a .json in the COCO format is wanted.")
    text = read_text_file(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    ids = {}
    for part, entry_name in PARTS.items():
        entries = content.get(part) if isinstance(content, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f"{path} is not in the COCO format: it has no list of objects called `{part}`.")
        ids[part] = set()
        for entry in entries:
            identity = _field(entry, "id", entry_name, path)
            if identity in ids[part]:
                raise InputError(f"{path}: two {part} have the id {identity}.")
            ids[part].add(identity)
        if not entries and part != "annotations":
            raise InputError(f"{path} has no {part}.")
    names = [str(_field(entry, "name", f"category {entry['id']}", path)) for entry in content["categories"]]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two categories have one name. Received: {', '.join(names)}")
    for entry in content["images"]:
        if not isinstance(_field(entry, "file_name", f"image {entry['id']}", path), str):
            raise InputError(f"{path}: the `file_name` of image {entry['id']} is not a text.")
    for entry in content["annotations"]:
        what = f"annotation {entry['id']}"
        image, category = (_field(entry, key, what, path) for key in ("image_id", "category_id"))
        if image not in ids["images"]:
            raise InputError(f"{path}: {what} is of the image {image}, which is not among `images`.")
        if category not in ids["categories"]:
            raise InputError(f"{path}: {what} has the category {category}, which is not among `categories`.")
        _field(entry, "bbox", what, path)
    return content


def _field(entry, key, what, path):
    if key not in entry:
        raise InputError(f"{path}: {what} has no `{key}`. Received: {json.dumps(entry)[:200]}")
    value = entry[key]
    if key.endswith("id") and not isinstance(value, int | str):
        raise InputError(f"{path}: `{key}` of {what} must be a number or a text. Received: {json.dumps(value)[:200]}")
    return value


def _images(entries, folder, path, memory_budget):
    names = [entry["file_name"] for entry in entries.values()]
    paths = [os.path.abspath(folder / name) for name in names]
    for identity, file in zip(entries, paths, strict=True):
        if not os.path.isfile(file):
            raise InputError(f"{path}: image {identity} is missing: no file {file}.")
    checked = check_all(paths, names, str(path), memory_budget)
    if checked.broken:
        raise InputError(f"{path}: images that cannot be decoded: {list_broken(checked.broken)}. Repair or remove.")
    for (identity, entry), size in zip(entries.items(), checked.sizes, strict=True):
        said = tuple(size[i] if entry.get(side) is None else entry[side] for i, side in enumerate(("height", "width")))
        if said != tuple(size):
            raise InputError(
                f"{path}: image {identity} ({entry['file_name']}) is {size[1]} x {size[0]} pixels, the file says "
                f"{said[1]} x {said[0]}: its boxes would be wrong."
            )
    return checked.source(names, paths)


def _box(bbox, size, what, name):
    """[left, top, width, height] -> [left, top, right, bottom], inside the image."""
    numbers = isinstance(bbox, list) and len(bbox) == 4 and all(type(value) in (int, float) for value in bbox)
    if not numbers or not all(abs(value) < LARGEST for value in bbox):
        raise InputError(f"{what}: bbox must be four numbers [left, top, width, height]. Received: {str(bbox)[:200]}")
    left, top, width, height = bbox
    if width <= 0 or height <= 0:
        raise InputError(f"{what}: its box has no area. Received: bbox={bbox}")
    right, bottom = left + width, top + height
    if min(left, top) < -OVER_THE_EDGE or right > size[1] + OVER_THE_EDGE or bottom > size[0] + OVER_THE_EDGE:
        raise InputError(
            f"{what}: its box reaches outside the image {name} of {size[1]} x {size[0]} pixels. Received: bbox={bbox}"
        )
    box = [max(left, 0.0), max(top, 0.0), min(right, float(size[1])), min(bottom, float(size[0]))]
    if box[2] <= box[0] or box[3] <= box[1]:
        raise InputError(f"{what}: its box lies outside the image {name}. Received: bbox={bbox}")
    return box
