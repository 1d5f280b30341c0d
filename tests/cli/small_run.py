"""Drawn images, and the words of a small run on them."""

import numpy as np
from PIL import Image

CLASSES = ("bars", "dots", "flat")


def draw(kind, generator):
    """A 24-pixel RGB image of one of three kinds that a small network can tell apart."""
    image = np.full((24, 24, 3), generator.integers(40, 200), np.uint8)
    if kind == "bars":
        image[:, generator.integers(1, 4) :: 4] = 255
    elif kind == "dots":
        image[generator.integers(1, 6) :: 6, generator.integers(1, 6) :: 6] = 255
    return image


def write_folder(folder, per_class, seed):
    """A folder for each kind, with `per_class` PNG images."""
    generator = np.random.default_rng(seed)
    for kind in CLASSES:
        (folder / kind).mkdir(parents=True)
        for i in range(per_class):
            Image.fromarray(draw(kind, generator)).save(folder / kind / f"{i}.png")
    return folder


def pretrain_arguments(data, out, epochs):
    """Words of a `byol-keras pretrain` of a few seconds."""
    sizes = ["--image-size", "16", "--batch-size", "16", "--precision", "float32", "--checkpoint-steps", "6"]
    sizes += ["--backbone", "resnet8", "--hidden-width", "64"]
    return ["pretrain", "--data", str(data), "--out", str(out), "--epochs", str(epochs), "--seed", "3", *sizes]
