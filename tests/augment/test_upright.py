"""The eight orientations are Pillow's, and boxes lie where they did."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from byol_keras.augment.crop import resize
from byol_keras.augment.upright import square_box, stored_box, upright, upright_square


def by_pillow(image, orientation):
    image = Image.fromarray(image)
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.fixture(scope="module", params=[(5, 8), (8, 5), (7, 4), (6, 6)])
def stored(request):
    return np.random.default_rng(0).integers(0, 256, (*request.param, 3), np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_pillow_turns_them(stored, orientation):
    expected = by_pillow(stored, orientation)
    np.testing.assert_array_equal(upright(tf.constant(stored), tf.constant(orientation)), expected)
    side = min(stored.shape[:2])
    top, left = (expected.shape[0] - side) // 2, (expected.shape[1] - side) // 2
    expected = expected[top : top + side, left : left + side]
    square = square_box(tf.constant(stored), tf.constant(orientation)).numpy()
    cut = stored[square[0] : square[0] + side, square[1] : square[1] + side]
    np.testing.assert_array_equal(upright(tf.constant(cut), tf.constant(orientation)), expected)
    for size in (3, side, 9):
        resized = upright_square(tf.constant(stored), tf.constant(orientation), size)
        np.testing.assert_allclose(resized, resize(tf.constant(expected), size), atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_of_the_stored_image_is_the_box_turned(stored, orientation):
    expected = by_pillow(stored, orientation)
    for box in ((0, 0, *expected.shape[:2]), (1, 2, 3, 2), (2, 0, 2, 4), (0, 1, 1, 1)):
        top, left, height, width = stored_box(
            tf.constant(box), tf.constant(orientation), tf.constant(expected.shape[:2])
        ).numpy()
        cut = upright(tf.constant(stored[top : top + height, left : left + width]), tf.constant(orientation))
        np.testing.assert_array_equal(cut, expected[box[0] : box[0] + box[2], box[1] : box[1] + box[3]])
