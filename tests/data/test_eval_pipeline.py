"""Ordered batches from memory and from files: the central square of every image, in the order of the source."""

import numpy as np
import pytest
from PIL import Image

from byol_keras.data import eval_pipeline, from_arrays, open_source
from byol_keras.data.eval_pipeline import ordered_batches

SIZES = [(20, 14), (9, 13), (12, 12), (31, 40)]


@pytest.mark.parametrize("size", [8, 12, 16])
def test_ordered_batches_are_pillows_central_squares(tmp_path, size):
    generator = np.random.default_rng(0)
    expected = []
    for i, (height, width) in enumerate(SIZES):
        coarse = generator.integers(0, 256, (4, 5, 3), np.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR)
        suffix = ".png" if i % 2 else ".jpg"
        image.save(tmp_path / f"{i}{suffix}", quality=95)
        image = Image.open(tmp_path / f"{i}{suffix}").convert("RGB")
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = image.crop((left, top, left + side, top + side))
        expected.append(np.asarray(square.resize((size, size), Image.Resampling.BICUBIC), np.float32) / 255)
    batches = [*ordered_batches(open_source(tmp_path), size, 3).as_numpy_iterator()]
    assert [len(batch) for batch in batches] == [3, 1]
    np.testing.assert_allclose(np.concatenate(batches), expected, atol=1.5 / 255)


def test_files_and_memory_give_the_same(files, arrays):
    for one, other in zip(ordered_batches(files, 8, 4), ordered_batches(arrays, 8, 4), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_large_images_in_memory_are_resized_a_few_at_a_time(monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (7, 20, 30, 3), np.uint8)
    at_once = [*ordered_batches(from_arrays(images), 8, 4).as_numpy_iterator()]
    monkeypatch.setattr(eval_pipeline, "FLOAT_BYTES", 2 * 4 * images[0].size)
    few = [*ordered_batches(from_arrays(images), 8, 4).as_numpy_iterator()]
    assert [len(batch) for batch in few] == [len(batch) for batch in at_once] == [4, 3]
    np.testing.assert_allclose(np.concatenate(few), np.concatenate(at_once), atol=1e-6)
