"""One source in files and the same in memory."""

import numpy as np
import pytest
from PIL import Image

from byol_keras.data import from_arrays, open_source

SIZES = [(20, 14), (9, 13), (12, 12), (31, 40)]
COUNT = 10


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ten images of one color each, which no crop changes: class a red, class b green, in ten strengths."""
    folder = tmp_path_factory.mktemp("files")
    for i in range(COUNT):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        height, width = SIZES[i % len(SIZES)]
        color = np.zeros((height, width, 3), np.uint8)
        color[..., i % 2] = 10 + 20 * i
        Image.fromarray(color).save(path)
    return open_source(folder)


@pytest.fixture(scope="module")
def arrays(files):
    images = np.zeros((COUNT, 12, 12, 3), np.uint8)
    for image, name in zip(images, files.names, strict=True):
        number = int(name.split("/")[1].removesuffix(".png"))
        image[..., number % 2] = 10 + 20 * number
    return from_arrays(images, files.labels)
