"""Crops read from files are Pillow's crops of the whole image."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import open_source
from byol_keras.data.grids import view_grid
from byol_keras.data.loading import crop_loader, naming_lost_files
from byol_keras.errors import InputError
from byol_keras.evaluation import embed

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


def lose(path):
    path.unlink()


def damage(path):
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize("harm", [lose, damage])
def test_a_file_lost_after_the_check_is_named(harm, suffix, tiny_encoder, tmp_path):
    for i in range(6):
        Image.effect_noise((30 + i, 30), 50).convert("RGB").save(tmp_path / f"{i}.{suffix}")
    source = open_source(tmp_path)
    harm(tmp_path / f"3.{suffix}")
    with pytest.raises(
        InputError, match=rf"^1 of 6 images can no longer be read: 3\.{suffix} \(.*They could when"
    ) as error:
        embed(tiny_encoder(), source)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="can no longer be read"):
        view_grid(source, TwoViews(16))


def test_an_error_that_is_no_files_stays_what_it_is(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "0.png")
    with pytest.raises(tf.errors.InvalidArgumentError, match="a bug"), naming_lost_files(open_source(tmp_path)):
        tf.debugging.Assert(False, ["a bug"])
