"""A SavedModel, images with broken ones among them, and the command on them."""

import numpy as np
import pytest
from PIL import Image

import byol_keras as bk


@pytest.fixture(scope="session")
def tiny_export(tiny_encoder, tmp_path_factory):
    """An encoder of 8 pixel images and the SavedModel of it."""
    encoder, path = tiny_encoder(), tmp_path_factory.mktemp("serving") / "encoder" / "1"
    bk.export.saved_model(encoder, path)
    return encoder, path


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    """A folder, its 20 good images, and why each of the others is bad."""
    root = tmp_path_factory.mktemp("lake [a]") / "photos"
    generator = np.random.default_rng(0)
    good = [f"{'cat' if i % 2 else 'dog'}/{i}.{'png' if i % 3 else 'jpg'}" for i in range(20)]
    for name in good:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (11, 12, 3), np.uint8)).save(root / name)
    jpeg, png = ((root / f"dog/{i}.{kind}").read_bytes() for i, kind in ((0, "jpg"), (2, "png")))
    (root / "cut.jpg").write_bytes(jpeg[:150])
    (root / "cut.png").write_bytes(png[: len(png) // 2])
    (root / "text.png").write_bytes(b"text")
    (root / "empty.jpg").write_bytes(b"")
    (root / "caf\udce9.png").write_bytes(png)
    Image.new("RGB", (9, 9)).save(root / "other.webp")
    # None of these is taken for an image.
    (root / "notes.txt").write_text("notes")
    (root / ".hidden.png").write_bytes(png)
    (root / ".cache").mkdir()
    (root / ".cache" / "a.png").write_bytes(png)
    damaged, other = "damaged, cut short, or with more", "neither a JPEG nor a PNG"
    bad = {"cut.jpg": damaged, "cut.png": damaged, "text.png": other, "empty.jpg": other, "other.webp": other}
    return root, sorted(good), bad | {r"caf\xe9.png": "its name is not UTF-8"}
