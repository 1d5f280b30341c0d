"""Drawn images: sky above ground, a box on the ground."""

import numpy as np
import pytest
from PIL import Image

NAMES = ("sky", "ground", "void", "box")
COLORS = np.array([(120, 160, 220), (110, 100, 80), (0, 0, 0), (190, 60, 50)])


def _draw(folder, count=4, seed=0, size=(40, 56)):
    """Writes `count` images of `size` (H, W) to `folder`; the top left corner is void, and one pixel of it 255."""
    generator = np.random.default_rng(seed)
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in NAMES))
    for i in range(count):
        labels = np.zeros(size, np.uint8)
        horizon, left = generator.integers(15, 25), generator.integers(0, 30)
        labels[horizon:] = 1
        labels[horizon - 5 : horizon + 8, left : left + 20] = 3
        labels[:4, :4] = 2
        image = COLORS[labels] + generator.normal(0, 10, (*size, 3))
        labels[0, 0] = 255
        Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).save(folder / "images" / f"{i}.png")
        Image.fromarray(labels).save(folder / "labels" / f"{i}.png")
    return folder


@pytest.fixture(scope="session")
def draw_dataset():
    """Writes images to a folder, see `_draw`."""
    return _draw
