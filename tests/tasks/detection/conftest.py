"""Drawn images with boxes in the COCO format."""

import json

import numpy as np
import pytest
from PIL import Image


def _write_squares(folder, count, seed=0, size=(64, 96), per_image=2):
    """Bright squares on gray, `boxes.json` beside them; the last image is empty. Gives the path of the .json."""
    generator = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    images, annotations = [], []
    for i in range(count):
        pixels = generator.integers(60, 100, (*size, 3)).astype(np.uint8)
        images.append({"id": 10 + i, "file_name": f"{i}.png", "width": size[1], "height": size[0]})
        for place in range(per_image if i < count - 1 else 0):
            # Each in a strip of its own, so that none hides another.
            strip = size[1] // per_image
            side = int(generator.integers(14, 25))
            left = place * strip + int(generator.integers(0, strip - side))
            top = int(generator.integers(0, size[0] - side))
            pixels[top : top + side, left : left + side] = 250
            box = {"id": 100 + len(annotations), "image_id": 10 + i, "category_id": 7}
            annotations.append({**box, "bbox": [left, top, side, side], "area": side * side, "iscrowd": 0})
        Image.fromarray(pixels).save(folder / f"{i}.png")
    coco = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "square"}]}
    path = folder / "boxes.json"
    path.write_text(json.dumps(coco))
    return path


@pytest.fixture(scope="session")
def write_squares():
    """Makes a folder of images with squares and their boxes."""
    return _write_squares
