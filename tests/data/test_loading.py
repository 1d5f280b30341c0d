"""Crops read from files are Pillow's crops of the whole image."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.data import open_source, write_shards
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.loading import crop_loader

SIZE = 16
# Top, left, height, width: apart, one inside the other, at the edges.
PAIRS = [
    [(0, 0, 20, 16), (33, 40, 12, 20)],
    [(3, 5, 40, 50), (17, 21, 9, 8)],
    [(45, 0, 5, 60), (0, 59, 50, 1)],
]


@pytest.fixture(scope="module", params=["jpg", "png", "gray.jpg", "cmyk.jpg"])
def image(request, tmp_path_factory):
    """A file of 50 x 60 pixels, and what Pillow reads from it."""
    path = tmp_path_factory.mktemp("images") / f"image.{request.param}"
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    image = Image.fromarray(coarse).resize((60, 50), Image.Resampling.BICUBIC)
    mode = {"gray.jpg": "L", "cmyk.jpg": "CMYK"}.get(request.param, "RGB")
    image.convert(mode).save(path, quality=95)
    return path, Image.open(path).convert("RGB")


@pytest.mark.parametrize("boxes", PAIRS)
def test_crops_of_one_file(image, boxes):
    path, whole = image
    load = tf.function(crop_loader(open_source(path.parent), SIZE))
    crops = load(tf.constant(0, tf.int64), tf.constant(boxes))
    for crop, (top, left, height, width) in zip(crops, boxes, strict=True):
        cut = whole.crop((left, top, left + width, top + height))
        expected = np.asarray(cut.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float32) / 255
        # Color is stored at half the size in a JPEG; at a crop's edge the decoders fill it in in their own ways.
        np.testing.assert_allclose(crop, expected, atol=1.5 / 255)


def test_encoded_images_are_held_as_long_as_what_reads_them(tmp_path):
    """TensorFlow never forgets a function that a pipeline calls; it must not hold the images with it."""
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    write_shards(open_source(tmp_path / "images.npz"), tmp_path / "shards")
    source = open_source(tmp_path / "shards", memory_budget=0)
    encoded, batches = weakref.ref(source.encoded), ordered_batches(source, 8)
    iterator = iter(batches)
    del source, batches
    gc.collect()
    assert next(iterator).shape == (5, 8, 8, 3)
    del iterator
    gc.collect()
    assert encoded() is None
