"""Boxes in the COCO format from the label maps of a segmentation set, such as CamVid: one for each region of a class.

python -m benchmarks.camvid_boxes camvid/train --class-name car --out camvid/train/cars.json

The folder holds images/, labels/ (images of class numbers with the same names) and classes.txt (a name a line, from
number 0). Objects that touch are one region and get one box. Regions whose box has a side below --smallest pixels are
marked as crowds, which are neither trained on nor scored.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from byol_keras.utils.atomic import atomic_path

EIGHT_NEIGHBORS = np.ones((3, 3))


def regions(mask):
    """Boxes [left, top, width, height] and pixel counts of the connected regions of a (H, W) bool mask."""
    numbered, _ = ndimage.label(mask, EIGHT_NEIGHBORS)
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
        box = [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start]
        found.append((box, int((numbered[rows, columns] == number).sum())))
    return found


def coco_boxes(folder, class_name, smallest, file_names_from):
    """The images of `folder` and the boxes of one class as a dict in the COCO format."""
    names = (folder / "classes.txt").read_text().split()
    if class_name not in names:
        raise SystemExit(f"{folder / 'classes.txt'} has no class {class_name!r}: {', '.join(names)}")
    images, annotations = [], []
    labels = {path.stem: path for path in (folder / "labels").iterdir()}
    for path in sorted((folder / "images").iterdir()):
        with Image.open(labels[path.stem]) as image:
            mask = np.asarray(image) == names.index(class_name)
        height, width = mask.shape
        name = Path(os.path.relpath(path, file_names_from)).as_posix()
        images.append({"id": len(images) + 1, "file_name": name, "width": width, "height": height})
        for box, area in regions(mask):
            crowd = int(min(box[2:]) < smallest)
            place = {"id": len(annotations) + 1, "image_id": images[-1]["id"], "category_id": 1}
            annotations.append({**place, "bbox": box, "area": area, "iscrowd": crowd})
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": class_name}]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--class-name", default="car")
    parser.add_argument("--smallest", type=int, default=10, help="pixels (default: 10)")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    coco = coco_boxes(options.folder, options.class_name, options.smallest, options.out.resolve().parent)
    with atomic_path(options.out) as path:
        path.write_text(json.dumps(coco) + "\n")
    crowds = sum(annotation["iscrowd"] for annotation in coco["annotations"])
    print(f"{len(coco['images'])} images, {len(coco['annotations']) - crowds} boxes, {crowds} crowds: {options.out}")


if __name__ == "__main__":
    main()
