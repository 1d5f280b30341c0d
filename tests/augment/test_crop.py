import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment.crop import (
    central_box,
    central_resize,
    crop_nwch,
    crop_resize,
    cut,
    flip,
    random_boxes,
    resize,
    sample_boxes,
)

RNG = np.random.default_rng(0)
SEED = tf.constant([3, 5])


def pillow_crop(image, box, size):
    """Cuts (top, left, height, width) out of (H, W, C) and resizes it to `size`, every channel in mode "F"."""
    top, left, height, width = (int(n) for n in box)
    cut = image[top : top + height, left : left + width]
    channels = [
        Image.fromarray(np.ascontiguousarray(cut[..., c])).resize((size, size), Image.Resampling.BICUBIC)
        for c in range(cut.shape[-1])
    ]
    return np.clip(np.stack([np.asarray(channel) for channel in channels], axis=-1), 0, 1)


@pytest.mark.parametrize("size", [7, 16, 33])
def test_crop_resize_is_that_of_pillow(size):
    images = RNG.random((6, 24, 40, 3), np.float32)
    # Whole image; smaller, larger and as large as the output; a single pixel; flat, at the border.
    boxes = np.array([[0, 0, 24, 40], [3, 5, 5, 4], [0, 10, 24, 24], [8, 8, 16, 16], [9, 9, 1, 1], [20, 0, 4, 40]])
    result = crop_resize(tf.constant(images), tf.constant(boxes, tf.int32), size).numpy()
    assert result.shape == (6, size, size, 3)
    assert result.dtype == np.float32
    for image, box, actual in zip(images, boxes, result, strict=True):
        np.testing.assert_allclose(actual, pillow_crop(image, box, size), atol=1e-5)


def test_a_strong_reduction_is_that_of_pillow():
    image = RNG.random((1, 200, 150, 1), np.float32)
    box = np.array([[10, 20, 180, 100]], np.int32)
    np.testing.assert_allclose(crop_resize(image, box, 8)[0], pillow_crop(image[0], box[0], 8), atol=1e-5)


def test_crop_resize_clips_what_bicubic_overshoots():
    image = np.zeros((1, 8, 8, 1), np.float32)
    image[:, :, 4:] = 1.0
    result = crop_resize(image, np.array([[0, 0, 8, 8]], np.int32), 32).numpy()
    assert (result.min(), result.max()) == (0.0, 1.0)
    unclipped = Image.fromarray(image[0, ..., 0]).resize((32, 32), Image.Resampling.BICUBIC)
    assert np.asarray(unclipped).max() > 1.01


def test_boxes_lie_inside_their_images():
    heights = RNG.integers(1, 60, 3000).astype(np.int32)
    widths = RNG.integers(1, 60, 3000).astype(np.int32)
    top, left, height, width = sample_boxes(heights, widths, (0.08, 1.0), (3 / 4, 4 / 3), SEED).numpy().T
    for start, length, whole in ((top, height, heights), (left, width, widths)):
        assert start.min() >= 0
        assert length.min() >= 1
        assert (start + length <= whole).all()


def test_boxes_fit_images_too_narrow_for_any_draw():
    heights, widths = np.full(200, 3, np.int32), np.full(200, 300, np.int32)
    boxes = sample_boxes(heights, widths, (0.08, 1.0), (3 / 4, 4 / 3), SEED).numpy()
    assert (boxes[:, 2] == 3).all()
    assert boxes[:, 3].max() < 45  # sqrt(900 * 4 / 3) = 35 pixels at most
    assert len(np.unique(boxes[:, 1])) > 50


def test_area_is_uniform_and_aspect_log_uniform():
    # Up to half of the image every draw fits, so nothing is drawn again.
    size = np.full(8000, 1000, np.int32)
    _, _, height, width = sample_boxes(size, size, (0.08, 0.5), (3 / 4, 4 / 3), SEED).numpy().T.astype(float)
    share = (height * width / 1e6 - 0.08) / 0.42
    turn = (np.log(width / height) / np.log(4 / 3) + 1) / 2
    deciles = np.linspace(0.05, 0.95, 19)
    for uniform in (share, turn):
        # Rounding a side to whole pixels moves area and aspect by less than 0.01 here.
        assert uniform.min() > -0.02
        assert uniform.max() < 1.02
        np.testing.assert_allclose(np.quantile(uniform, deciles), deciles, atol=0.025)
    assert abs(np.corrcoef(share, turn)[0, 1]) < 0.04


def test_boxes_that_do_not_fit_are_drawn_again():
    # The same rule in plain Python, with other random numbers.
    def draw():
        while True:
            area, log_aspect = RNG.uniform(0.08, 1.0), RNG.uniform(-np.log(4 / 3), np.log(4 / 3))
            height, width = np.sqrt(area * np.exp([-log_aspect, log_aspect]))
            if height <= 1 and width <= 1:
                return height * width, log_aspect

    size = np.full(8000, 1000, np.int32)
    _, _, height, width = sample_boxes(size, size, (0.08, 1.0), (3 / 4, 4 / 3), SEED).numpy().T.astype(float)
    area, log_aspect = np.array([draw() for _ in range(8000)]).T
    levels = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(np.quantile(height * width / 1e6, levels), np.quantile(area, levels), atol=0.03)
    np.testing.assert_allclose(np.quantile(np.log(width / height), levels), np.quantile(log_aspect, levels), atol=0.03)


def test_position_is_uniform():
    size = np.full(6000, 10, np.int32)
    top, left, height, width = sample_boxes(size, size, (0.25, 0.25), (1.0, 1.0), SEED).numpy().T
    assert set(height) == set(width) == {5}
    for place in (top, left):
        np.testing.assert_allclose(np.bincount(place, minlength=6) / 6000, 1 / 6, atol=0.02)
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.05


def test_aspect_is_width_over_height():
    size = np.full(10, 100, np.int32)
    _, _, height, width = sample_boxes(size, size, (0.5, 0.5), (2.0, 2.0), SEED).numpy().T
    assert set(height) == {50}
    assert set(width) == {100}


def test_random_boxes_are_drawn_for_each_image():
    images = RNG.random((5, 20, 30, 3), np.float32)
    crops = crop_resize(images, random_boxes(images, (0.08, 1.0), (3 / 4, 4 / 3), SEED), 12).numpy()
    boxes = sample_boxes(np.full(5, 20, np.int32), np.full(5, 30, np.int32), (0.08, 1.0), (3 / 4, 4 / 3), SEED)
    assert len({tuple(box) for box in boxes.numpy()}) == 5
    for image, box, crop in zip(images, boxes.numpy(), crops, strict=True):
        np.testing.assert_allclose(crop, pillow_crop(image, box, 12), atol=1e-5)


def test_flip_mirrors_the_chosen_ones_left_and_right():
    images = RNG.random((2, 3, 4, 3), np.float32)
    result = flip(images, tf.constant([True, False]))
    np.testing.assert_array_equal(result, [images[0, :, ::-1], images[1]])


@pytest.mark.parametrize(("height", "width", "box"), [(20, 31, (0, 5, 20, 20)), (31, 20, (5, 0, 20, 20))])
def test_central_resize_takes_the_largest_central_square(height, width, box):
    images = RNG.random((2, height, width, 3), np.float32)
    for image, actual in zip(images, central_resize(tf.constant(images), 12), strict=True):
        np.testing.assert_allclose(actual, pillow_crop(image, box, 12), atol=1e-5)


@pytest.mark.parametrize(("height", "width", "box"), [(20, 31, (0, 5, 20, 20)), (31, 20, (5, 0, 20, 20))])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_square_cut_out_and_resized_is_the_same(height, width, box, dtype):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    expected = pillow_crop(image / np.float32(255), box, 12)
    image = image if dtype == "uint8" else image / np.float32(255)
    np.testing.assert_allclose(resize(cut(tf.constant(image), central_box(height, width)), 12), expected, atol=1e-5)


def test_central_resize_leaves_images_of_that_size():
    images = tf.constant(RNG.random((2, 12, 12, 3), np.float32))
    np.testing.assert_array_equal(central_resize(images, 12), images)


@pytest.mark.parametrize(
    ("height", "width", "size"), [(40, 30, 12), (9, 14, 32), (16, 16, 16), (1, 1, 8), (100, 7, 32)]
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_resize_is_crop_resize_of_the_whole_image(height, width, size, dtype):
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    expected = crop_resize(
        tf.constant(image[None] / 255, tf.float32), np.array([[0, 0, height, width]], np.int32), size
    )
    image = image if dtype == "uint8" else (image / 255).astype(np.float32)
    np.testing.assert_allclose(resize(tf.constant(image), size), expected[0], atol=1e-4)


@pytest.mark.parametrize(("source", "size"), [((40, 30), 12), ((16, 16), 32), ((9, 33), 9)])
def test_crop_nwch_is_crop_resize_transposed(source, size):
    images = tf.constant(np.random.default_rng(0).random((6, *source, 3), np.float32))
    boxes = random_boxes(images, (0.01, 1.0), (3 / 4, 4 / 3), SEED)
    nwch = crop_nwch(images, boxes, size)
    np.testing.assert_allclose(tf.transpose(nwch, [0, 3, 1, 2]), crop_resize(images, boxes, size), atol=1e-5)
