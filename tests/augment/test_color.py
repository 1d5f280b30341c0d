import itertools

import numpy as np
import pytest
import tensorflow as tf

from byol_keras.augment.color import brightness_contrast, grayscale, jitter, saturation_hue, solarize
from byol_keras.augment.layout import from_nhcw, to_nhcw

RNG = np.random.default_rng(0)
CORNERS = np.array(list(itertools.product([0, 0.5, 1], repeat=3)), np.float32)  # black, grays, white, pure colors


def random_images(count, channels=3, low=0.0, high=1.0):
    """(B, H, W, C), random; where there are colors, the pure ones and the grays are among them."""
    images = RNG.uniform(low, high, (count, 8, 9, channels)).astype(np.float32)
    if channels == 3:
        images[:, :3] = low + (high - low) * CORNERS.reshape(3, 9, 3)
    return images


def pixels(result):
    return from_nhcw(result).numpy()


def brightness(nhcw, delta):
    return brightness_contrast(nhcw, delta, tf.ones_like(delta))


def contrast(nhcw, factor):
    return brightness_contrast(nhcw, tf.zeros_like(factor), factor)


def saturation(nhcw, factor):
    return saturation_hue(nhcw, factor, tf.zeros_like(factor))


def hue(nhcw, delta):
    return saturation_hue(nhcw, tf.ones_like(delta), delta)


def test_brightness_is_added_and_clipped():
    image = np.array([0.0, 0.3, 0.8], np.float32).reshape(1, 1, 1, 3)
    result = brightness(np.concatenate([image] * 3), tf.constant([0.4, -0.4, 0.0]))
    np.testing.assert_allclose(tf.squeeze(result), [[0.4, 0.7, 1.0], [0.0, 0.0, 0.4], [0.0, 0.3, 0.8]], atol=1e-6)


def test_contrast_by_hand_is_about_the_mean_of_each_channel():
    # Means 0.3 and 0.7.
    image = tf.constant([[[[0.2, 0.4], [0.5, 0.9]]]])
    np.testing.assert_allclose(contrast(image, tf.constant([0.5])), [[[[0.25, 0.35], [0.6, 0.8]]]], atol=1e-6)
    np.testing.assert_allclose(contrast(image, tf.constant([2.0])), [[[[0.1, 0.5], [0.3, 1.0]]]], atol=1e-6)


def test_contrast_has_a_factor_and_a_mean_for_each_image():
    images, factors = random_images(4), np.array([0.6, 1.0, 1.2, 1.4], np.float32)
    mean = images.astype(np.float64).mean((1, 2), keepdims=True)
    expected = np.clip((images - mean) * factors[:, None, None, None] + mean, 0, 1)
    np.testing.assert_allclose(pixels(contrast(to_nhcw(images), factors)), expected, atol=1e-6)


def test_saturation_is_that_of_tensorflow():
    images, factors = random_images(5), np.array([0.0, 0.8, 1.0, 1.2, 3.0], np.float32)
    result = pixels(saturation(to_nhcw(images), factors))
    for image, factor, actual in zip(images, factors, result, strict=True):
        np.testing.assert_allclose(actual, tf.image.adjust_saturation(image, factor), atol=2e-6)


def test_hue_is_that_of_tensorflow():
    images, deltas = random_images(6), np.array([-0.5, -0.1, 0.0, 0.03, 0.1, 0.7], np.float32)
    result = pixels(hue(to_nhcw(images), deltas))
    for image, delta, actual in zip(images, deltas, result, strict=True):
        np.testing.assert_allclose(actual, tf.image.adjust_hue(image, delta), atol=5e-6)


def test_a_third_of_a_turn_makes_red_green():
    red = tf.reshape([1.0, 0.0, 0.0], [1, 1, 3, 1])
    np.testing.assert_allclose(tf.squeeze(hue(red, tf.constant([1 / 3]))), [0, 1, 0], atol=1e-6)


def test_grayscale_weights():
    primaries = tf.reshape(tf.eye(3), [3, 1, 3, 1])
    result = grayscale(primaries, tf.constant([True] * 3))
    expected = np.repeat([[0.2989], [0.5870], [0.1140]], 3, axis=1)
    np.testing.assert_allclose(tf.squeeze(result), expected, atol=1e-7)


def test_grayscale_takes_the_chosen_ones():
    images = to_nhcw(random_images(2))
    result = grayscale(images, tf.constant([False, True]))
    np.testing.assert_array_equal(result[0], images[0])
    np.testing.assert_array_equal(result[1, :, 0], result[1, :, 2])


def test_solarize_turns_over_values_from_one_half():
    image = tf.reshape([0.0, 0.49, 0.5, 0.75, 1.0], [1, 1, 1, 5])
    images = tf.concat([image, image], axis=0)
    result = tf.squeeze(solarize(images, tf.constant([True, False])))
    np.testing.assert_allclose(result, [[0.0, 0.49, 0.5, 0.25, 0.0], [0.0, 0.49, 0.5, 0.75, 1.0]], atol=1e-7)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jitter_in_each_of_the_24_orders(channels):
    orders = np.array(list(itertools.permutations(range(4))), np.int32)
    image = random_images(1, channels)
    count = len(orders)
    changes = [
        lambda x: np.clip(x + 0.3, 0, 1),
        lambda x: np.clip((x - x.mean((0, 1))) * 1.4 + x.mean((0, 1)), 0, 1),
        lambda x: tf.image.adjust_saturation(x, 1.2).numpy() if channels == 3 else x,
        lambda x: tf.image.adjust_hue(x, 0.1).numpy() if channels == 3 else x,
    ]
    parameters = [np.full(count, value, np.float32) for value in (0.3, 1.4, 1.2, 0.1)]
    result = pixels(jitter(to_nhcw(np.repeat(image, count, axis=0)), orders, *parameters))
    for order, actual in zip(orders, result, strict=True):
        expected = image[0]
        for change in order:
            expected = changes[change](expected)
        np.testing.assert_allclose(actual, expected, atol=2e-5)
    # The orders tell: only hue and saturation commute, where nothing comes between them, which 6 pairs of orders have
    # in common. Of an image without colors it matters whether brightness or contrast comes first.
    assert len(np.unique(result.round(3), axis=0)) == (18 if channels == 3 else 2)


def test_jitter_has_parameters_for_each_image():
    images, order = random_images(6, low=0.3, high=0.7), np.tile(np.arange(4, dtype=np.int32), (6, 1))
    # One change per image, then none.
    result = jitter(
        to_nhcw(images),
        order,
        tf.constant([0.2, 0, 0, 0, 0, 0.0]),
        tf.constant([1, 0.6, 1, 1, 1, 1.0]),
        tf.constant([1, 1, 0.8, 1, 1, 1.0]),
        tf.constant([0, 0, 0, -0.1, 0, 0.0]),
    )
    mean = images[1].mean((0, 1))
    expected = [
        images[0] + 0.2,
        (images[1] - mean) * 0.6 + mean,
        tf.image.adjust_saturation(images[2], 0.8),
        tf.image.adjust_hue(images[3], -0.1),
        images[4],
        images[5],
    ]
    np.testing.assert_allclose(pixels(result), expected, atol=5e-6)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("change", [saturation, hue])
def test_color_changes_leave_gray_images(change, channels):
    images = to_nhcw(random_images(2, channels=channels))
    np.testing.assert_array_equal(change(images, tf.constant([0.1, 0.1])), images)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grayscale_leaves_gray_images(channels):
    images = to_nhcw(random_images(2, channels=channels))
    np.testing.assert_array_equal(grayscale(images, tf.constant([True, True])), images)
