"""Fine-tune a detector on a few images with boxes, score it, and draw what it finds.

python examples/detect_objects.py
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import byol_keras as bk


def compose(folder, count, seed):
    """Patterned patches on plain grounds, with their boxes in the COCO format."""
    generator, (patches, _, _) = np.random.default_rng(seed), bk.data.synthetic_images(2 * count, seed)
    folder.mkdir()
    images: list[dict] = []
    boxes: list[dict] = []
    for i in range(count):
        ground = np.full((64, 96, 3), generator.integers(0, 256, 3), np.uint8)
        for half in range(2):
            left, top = 48 * half + int(generator.integers(17)), int(generator.integers(33))
            ground[top : top + 32, left : left + 32] = patches[2 * i + half]
            place = {"id": len(boxes), "image_id": i, "category_id": 0}
            boxes.append({**place, "bbox": [left, top, 32, 32]})
        Image.fromarray(ground).save(folder / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png"})
    coco = {"images": images, "annotations": boxes, "categories": [{"id": 0, "name": "patch"}]}
    (folder / "boxes.json").write_text(json.dumps(coco))
    return bk.tasks.read_coco(folder / "boxes.json")


folder = Path(tempfile.mkdtemp())
train, test = compose(folder / "train", 64, seed=0), compose(folder / "test", 16, seed=1)
encoder = bk.resnet10(input_shape=(64, 64, 3), mean=[0.5] * 3, std=[0.25] * 3)  # stands for one you trained
letterbox = bk.tasks.letterbox_size(train.source.sizes, image_size=96)
smallest = bk.tasks.smallest_anchor(train, letterbox)
detector = bk.tasks.finetune_detector(encoder, train, letterbox, smallest, bk.tasks.DetectionConfig(epochs=5))
found = detector.detect(test.source)
print({name: round(score, 3) for name, score in bk.tasks.coco_metrics(test, found).items()})
bk.tasks.detection_grid(test, {"found": found}).save("detections.png")
