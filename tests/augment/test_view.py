"""What a view is: its constants, how often each change happens, and how its parameters are spread.

Each test switches on one change and reads its parameter off an image that shows it.
"""

import itertools

import numpy as np
import pytest
import tensorflow as tf

import byol_keras.augment.view as view_module
from byol_keras.augment.color import solarize
from byol_keras.augment.view import VIEW_1, VIEW_2, distort, random_view

SEED = tf.constant([1, 2])
COUNT = 4000
OFF = {
    **VIEW_1,
    "crop_area": (1.0, 1.0),
    "crop_aspect": (1.0, 1.0),
    **dict.fromkeys(("flip", "quarter_turn", "jitter", "brightness", "contrast", "saturation", "hue"), 0.0),
    **dict.fromkeys(("grayscale", "blur", "solarize"), 0.0),
}


def views_of(image, view, count=COUNT):
    """`distort` of `count` copies of one image (H, W, C)."""
    image = np.asarray(image, np.float32)
    return distort(tf.constant(np.repeat(image[None], count, axis=0)), view, SEED).numpy()


def color(*rgb):
    return np.broadcast_to(np.float32(rgb), (2, 2, 3))


def halves(left, right):
    return np.broadcast_to(np.float32([left, right]), (2, 2, 3))


def impulse(size=32):
    image = np.zeros((size, size, 1), np.float32)
    image[size // 2, size // 2] = 1
    return image


def assert_uniform(values, low, high):
    """Within [low, high], and with the quantiles of the uniform distribution to 3 % of its width."""
    share = (values - low) / (high - low)
    assert share.min() > -1e-3
    assert share.max() < 1 + 1e-3
    levels = np.linspace(0, 1, 21)
    np.testing.assert_allclose(np.quantile(share, levels), levels, atol=0.03)


def test_constants_of_the_first_view():
    assert VIEW_1 == {
        "crop_area": (0.08, 1.0),
        "crop_aspect": (3 / 4, 4 / 3),
        "flip": 0.5,
        "quarter_turn": 0.0,
        "jitter": 0.8,
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.2,
        "hue": 0.1,
        "grayscale": 0.2,
        "blur": 1.0,
        "blur_sigma": (0.1, 2.0),
        "solarize": 0.0,
    }


def test_the_second_view_differs_in_blur_and_solarize_alone():
    assert {**VIEW_1, "blur": 0.1, "solarize": 0.2} == VIEW_2


def test_a_view_with_everything_off_is_the_image():
    images = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
    np.testing.assert_allclose(random_view(tf.constant(images), 16, OFF, SEED), images, atol=2e-6)


def test_crop_follows_the_view():
    # An image that holds its own coordinates tells which part of it is seen.
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    image = np.stack([*np.meshgrid(ramp, ramp), np.zeros((64, 64), np.float32)], axis=-1)
    crops = random_view(tf.constant(np.repeat(image[None], 2000, axis=0)), 8, {**OFF, "crop_area": (0.25, 0.25)}, SEED)
    extent = crops[:, :, -1, 0] - crops[:, :, 0, 0]
    np.testing.assert_allclose(extent, 28 / 63, atol=0.02)  # 32 pixels, seen at the centers of 8: 28 apart
    # The box starts at 0 to 32, and its first output pixel is centered on 1.5 pixels more.
    np.testing.assert_allclose(
        np.quantile(63 * crops[:, 0, 0, 1], [0, 0.25, 0.5, 0.75, 1]), 1.5 + 8 * np.arange(5), atol=1
    )


@pytest.mark.parametrize("view", [VIEW_1, VIEW_2])
def test_probabilities_of_flip_jitter_and_grayscale(view):
    # Blur and solarize are off to keep the other traces readable.
    view = {**view, "blur": 0.0, "solarize": 0.0}
    flipped = views_of(halves([0.2] * 3, [0.8] * 3), {**view, "jitter": 0.0, "grayscale": 0.0})
    assert np.mean(flipped[:, 0, 0, 0] > 0.5) == pytest.approx(0.5, abs=0.03)

    result = views_of(color(0.8, 0.5, 0.3), {**view, "flip": 0.0, "contrast": 0.0, "saturation": 0.0})
    gray = np.ptp(result[:, 0, 0], axis=-1) < 1e-5
    luma = 0.2989 * 0.8 + 0.5870 * 0.5 + 0.1140 * 0.3
    jittered = np.abs(result[:, 0, 0] - np.where(gray[:, None], luma, [0.8, 0.5, 0.3])).max(-1) > 1e-4
    assert gray.mean() == pytest.approx(0.2, abs=0.025)
    assert jittered.mean() == pytest.approx(0.8, abs=0.025)
    assert (gray & jittered).mean() == pytest.approx(0.16, abs=0.025)  # independent


@pytest.mark.parametrize(("view", "probability"), [(VIEW_1, 1.0), (VIEW_2, 0.1)])
def test_probability_of_blur(view, probability):
    result = views_of(impulse(20), {**OFF, "blur": view["blur"], "blur_sigma": (1.0, 1.0)})
    assert np.mean(result[:, 10, 10, 0] < 0.9) == pytest.approx(probability, abs=0.02 * (probability < 1))


@pytest.mark.parametrize(("view", "probability"), [(VIEW_1, 0.0), (VIEW_2, 0.2)])
def test_probability_of_solarize(view, probability):
    result = views_of(color(1, 1, 1), {**OFF, "solarize": view["solarize"]})
    assert np.mean(result[:, 0, 0, 0] < 0.5) == pytest.approx(probability, abs=0.025 * (probability > 0))


def test_turns_are_quarter_turns_each_as_often():
    image = np.random.default_rng(0).random((4, 4, 3), np.float32)
    result = views_of(image, {**OFF, "quarter_turn": 0.6})
    ways = np.stack([np.rot90(image, quarters) for quarters in range(4)])
    shares = np.mean(np.abs(result[:, None] - ways).max((2, 3, 4)) < 1e-6, axis=0)
    np.testing.assert_allclose(shares, [0.4, 0.2, 0.2, 0.2], atol=0.025)


def test_brightness_is_uniform():
    result = views_of(color(0.5, 0.5, 0.5), {**OFF, "jitter": 1.0, "brightness": 0.4})
    assert_uniform(result[:, 0, 0, 0] - 0.5, -0.4, 0.4)


def test_contrast_is_uniform():
    result = views_of(halves([0.4] * 3, [0.6] * 3), {**OFF, "jitter": 1.0, "contrast": 0.4})
    assert_uniform((result[:, 0, 1, 0] - 0.5) / 0.1, 0.6, 1.4)


def test_saturation_is_uniform():
    result = views_of(color(0.8, 0.5, 0.4), {**OFF, "jitter": 1.0, "saturation": 0.2})
    assert_uniform((1 - result[:, 0, 0, 2] / 0.8) / 0.5, 0.8, 1.2)


def test_hue_is_uniform():
    # From green a sixth of a turn is one unit of red (towards yellow) or of blue (towards cyan).
    red, _, blue = views_of(color(0, 1, 0), {**OFF, "jitter": 1.0, "hue": 0.1})[:, 0, 0].T
    assert_uniform((blue - red) / 6, -0.1, 0.1)


def test_sigma_is_uniform():
    result = views_of(impulse(), {**OFF, "blur": 1.0, "blur_sigma": (0.1, 2.0)})[..., 0].astype(np.float64)
    ratio = result[:, 16, 15] / result[:, 16, 16]  # exp(-1 / (2 sigma^2))
    assert_uniform(np.sqrt(-0.5 / np.log(ratio)), 0.1, 2.0)


def test_orders_of_the_jitter_are_equally_likely(monkeypatch):
    seen = []
    original = view_module.jitter

    def recorded(nhcw, order, *parameters):
        seen.append(order.numpy())
        return original(nhcw, order, *parameters)

    monkeypatch.setattr(view_module, "jitter", recorded)
    views_of(color(0.5, 0.5, 0.5), VIEW_1, count=12_000)
    orders = [tuple(order) for order in np.concatenate(seen)]
    for permutation in itertools.permutations(range(4)):
        assert orders.count(permutation) / 12_000 == pytest.approx(1 / 24, abs=0.008)


def test_parameters_are_independent_of_each_other():
    view = {**OFF, "jitter": 1.0, "brightness": 0.4, "contrast": 0.4, "flip": 0.5}
    # The first channel shows brightness, the second the flip and contrast.
    result = views_of(halves([0.5, 0.4, 0.5], [0.5, 0.6, 0.5]), view)
    delta = result[:, 0, 0, 0] - 0.5
    difference = result[:, 0, 1, 1] - result[:, 0, 0, 1]
    values = np.stack([delta, np.abs(difference), np.sign(difference)])
    assert np.abs(np.corrcoef(values) - np.eye(3)).max() < 0.06


def test_hue_comes_before_grayscale():
    # Turned afterwards, a gray image would have kept the luma of pure green.
    result = views_of(color(0, 1, 0), {**OFF, "jitter": 1.0, "hue": 0.1, "grayscale": 1.0}, count=50)
    assert np.ptp(result, axis=-1).max() < 1e-6
    assert np.ptp(result[:, 0, 0, 0]) > 0.05


def test_grayscale_comes_before_solarize():
    result = views_of(color(0, 1, 0.5), {**OFF, "grayscale": 1.0, "solarize": 1.0}, count=1)
    np.testing.assert_allclose(result[0, 0, 0], [1 - (0.5870 + 0.0570)] * 3, atol=1e-6)


def test_blur_comes_before_solarize():
    view = {**OFF, "blur": 1.0, "blur_sigma": (1.0, 1.0)}
    images = tf.constant(np.random.default_rng(0).random((2, 32, 32, 1), np.float32))
    expected = solarize(distort(images, view, SEED), tf.constant([True, True]))
    np.testing.assert_allclose(distort(images, {**view, "solarize": 1.0}, SEED), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("view", [VIEW_1, VIEW_2])
def test_views_are_float32_in_unit_range(view, channels):
    images = tf.constant(np.random.default_rng(0).integers(0, 2, (64, 30, 40, channels)), tf.float32)
    result = random_view(images, 24, view, SEED)
    assert result.shape == (64, 24, 24, channels)
    assert result.dtype == tf.float32
    assert float(tf.reduce_min(result)) >= 0.0
    assert float(tf.reduce_max(result)) <= 1.0


def test_images_of_one_batch_get_different_views():
    image = np.random.default_rng(0).random((1, 24, 24, 3), np.float32)
    result = random_view(tf.constant(np.repeat(image, 8, axis=0)), 24, VIEW_1, SEED).numpy()
    for i, j in itertools.combinations(range(8), 2):
        assert np.abs(result[i] - result[j]).max() > 0.02


def test_the_seed_decides():
    images = tf.constant(np.random.default_rng(0).random((4, 24, 24, 3), np.float32))
    first, again, other = (random_view(images, 24, VIEW_2, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
