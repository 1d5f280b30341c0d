"""A folder of images of three plain colors, and embeddings in which they lie apart."""

import numpy as np
import pytest
from PIL import Image

COLORS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 210)}
COUNT = 60


@pytest.fixture
def colored(tmp_path):
    """(folder, names, embeddings (60, 8), truth): the class of image i is truth[i]."""
    folder = tmp_path / "colored"
    (folder / "sub").mkdir(parents=True)
    generator = np.random.default_rng(0)
    names, truth = [], []
    for i in range(COUNT):
        kind = list(COLORS)[i % 3]
        name = f"{'sub/' if i % 2 else ''}{i:02}.png"
        Image.new("RGB", (40, 30), COLORS[kind]).save(folder / name)
        names.append(name)
        truth.append(kind)
    corners = 4 * np.eye(3, 8)[np.arange(COUNT) % 3]
    return folder, tuple(names), (corners + generator.normal(size=(COUNT, 8))).astype(np.float32), truth
