"""Boxes in the format of the COCO data set (https://cocodataset.org/#format-data)."""

import json
import os
from pathlib import Path

import numpy as np

from ...data.images import ImageSource
from ...data.validate import MEMORY_BUDGET, check_all, list_broken
from ...errors import InputError
from ...utils.text_file import read_text_file
from .dataset import DetectionDataset

# Tools round to whole pixels: by so much a box may lie over the edge. It is cut off there.
OVER_THE_EDGE = 1.0
PARTS = ("images", "annotations", "categories")


def read_coco(path, images=None, memory_budget=MEMORY_BUDGET):
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
            or no box at all.
    """
    path = Path(path)
    coco = _read(path)
    names = _category_names(coco["categories"], path)
    entries = _image_entries(coco["images"], path)
    source = _images(entries, Path(images) if images is not None else path.parent, path, memory_budget)
    place = {image_id: i for i, image_id in enumerate(entries)}
    number = {category: i for i, category in enumerate(names)}
    found = [[] for _ in entries]
    ids = set()
    for annotation in coco["annotations"]:
        identity = _field(annotation, "id", "an annotation", path)
        what = f"annotation {identity}"
        if identity in ids:
            raise InputError(f"{path}: two annotations have the id {identity}.")
        ids.add(identity)
        image_id, category = (_field(annotation, key, what, path) for key in ("image_id", "category_id"))
        if image_id not in place:
            raise InputError(f"{path}: {what} is of the image {image_id}, which is not among `images`.")
        if category not in number:
            raise InputError(f"{path}: {what} has the category {category}, which is not among `categories`.")
        i = place[image_id]
        box = _box(_field(annotation, "bbox", what, path), source.sizes[i], f"{path}: {what}", source.names[i])
        found[i].append((box, number[category], bool(annotation.get("iscrowd", 0))))
    boxed = DetectionDataset(
        source,
        boxes=tuple(np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4) for objects in found),
        classes=tuple(np.array([label for _, label, _ in objects], np.int64) for objects in found),
        crowd=tuple(np.array([crowd for _, _, crowd in objects], bool) for objects in found),
        class_names=tuple(names.values()),
    )
    if not boxed.objects:
        raise InputError(f"{path} has no box of an object: nothing to detect.")
    return boxed


def _read(path):
    if not path.is_file():
        raise InputError(f"No file with boxes at {path}: a .json in the COCO format is wanted.")
    text = read_text_file(path)
    try:
        coco = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    for part in PARTS:
        entries = coco.get(part) if isinstance(coco, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise InputError(f"{path} is not in the COCO format: it has no list of objects called `{part}`.")
    return coco


def _field(entry, key, what, path):
    if key not in entry:
        raise InputError(f"{path}: {what} has no `{key}`. Received: {json.dumps(entry)[:200]}")
    value = entry[key]
    if key.endswith("id") and not isinstance(value, int | str):
        raise InputError(f"{path}: `{key}` of {what} must be a number or a text. Received: {json.dumps(value)[:200]}")
    return value


def _category_names(categories, path):
    """{id: name} in the order of the ids."""
    names = {}
    for category in categories:
        identity = _field(category, "id", "a category", path)
        if identity in names:
            raise InputError(f"{path}: two categories have the id {identity}.")
        names[identity] = str(_field(category, "name", f"category {identity}", path))
    if not names:
        raise InputError(f"{path} has no categories.")
    if len(set(names.values())) < len(names):
        raise InputError(f"{path}: two categories have one name. Received: {', '.join(names.values())}")
    return {identity: names[identity] for identity in sorted(names, key=lambda i: (isinstance(i, str), i))}


def _image_entries(images, path):
    """{id: entry} in the order of the file."""
    entries = {}
    for entry in images:
        identity = _field(entry, "id", "an image", path)
        if identity in entries:
            raise InputError(f"{path}: two images have the id {identity}.")
        if not isinstance(_field(entry, "file_name", f"image {identity}", path), str):
            raise InputError(f"{path}: the `file_name` of image {identity} is not a text.")
        entries[identity] = entry
    if not entries:
        raise InputError(f"{path} has no images.")
    return entries


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
        said = (entry.get("height", size[0]), entry.get("width", size[1]))
        if said != tuple(size):
            raise InputError(
                f"{path}: image {identity} ({entry['file_name']}) is {size[1]} x {size[0]} pixels, the file says "
                f"{said[1]} x {said[0]}: its boxes would be wrong."
            )
    return ImageSource(
        names=tuple(names), sizes=checked.sizes, images=checked.images, paths=tuple(paths), jpeg=checked.jpeg
    )


def _box(bbox, size, what, name):
    """[left, top, width, height] -> [left, top, right, bottom], inside the image."""
    numbers = isinstance(bbox, list) and len(bbox) == 4 and all(type(value) in (int, float) for value in bbox)
    if not numbers or not np.all(np.isfinite(bbox)):
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
