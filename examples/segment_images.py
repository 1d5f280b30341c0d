"""Train a segmentation on an encoder, with images drawn on the spot, and draw what it makes of new ones.

python examples/segment_images.py
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import byol_keras as bk

COLORS = np.array([(120, 160, 220), (110, 100, 80), (190, 60, 50)])


def draw(folder, count, generator):
    """Sky above ground, and a box on the ground: an image and a label map each."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    (folder / "classes.txt").write_text("sky\nground\nbox\n")
    for i in range(count):
        horizon, left = generator.integers(20, 44), generator.integers(0, 60)
        labels = np.zeros((64, 96), np.uint8)
        labels[horizon:] = 1
        labels[horizon - 8 : horizon + 16, left : left + 30] = 2
        image = COLORS[labels] + generator.normal(0, 25, (1, 1, 3)) + generator.normal(0, 15, (64, 96, 3))
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
        Image.fromarray(labels).save(folder / "labels" / f"{i}.png")


folder, generator = Path(tempfile.mkdtemp()), np.random.default_rng(0)
draw(folder / "train", 32, generator)
draw(folder / "test", 8, generator)
train = bk.tasks.open_segmentation(folder / "train")
test = bk.tasks.open_segmentation(folder / "test", like=train)

encoder = bk.resnet10(input_shape=(64, 64, 3), mean=[0.5] * 3, std=[0.2] * 3)  # stands for one you pretrained
model = bk.tasks.build_segmenter(encoder, len(train.class_names), crop_size=64)
bk.tasks.finetune_segmenter(model, train, bk.tasks.SegmentationConfig(steps=30, crop_size=64), seed=0)
iou = bk.tasks.class_iou(bk.tasks.segmenter_confusion(model, test))
print(", ".join(f"{name} {100 * value:.0f} %" for name, value in zip(test.class_names, iou, strict=True)))

predict = bk.tasks.segmenter_function(model)
rows = [[test.image(i), test.labels(i), predict(test.image(i))] for i in range(len(test))]
grid = bk.tasks.segmentation_grid(rows, ["image", "truth", "predicted"], test.class_names)
grid.save(folder / "predictions.png")
print(f"mean IoU {100 * np.nanmean(iou):.0f} %; images in {folder / 'predictions.png'}")
