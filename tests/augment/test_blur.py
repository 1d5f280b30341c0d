import numpy as np
import pytest
import tensorflow as tf

from byol_keras.augment.blur import gaussian_blur
from byol_keras.augment.layout import transpose_hw


def kernel(sigma, radius):
    taps = np.exp(-(np.arange(-radius, radius + 1.0) ** 2) / (2 * sigma**2))
    return taps / taps.sum()


def blurred(plane, taps):
    """Separable convolution of (H, W) with zeros outside, in float64."""
    for axis in (0, 1):
        plane = np.apply_along_axis(np.convolve, axis, plane.astype(np.float64), taps, mode="same")
    return plane


@pytest.mark.parametrize(("size", "taps"), [(224, 23), (128, 13), (96, 9), (32, 3), (16, 1)])
def test_number_of_taps(size, taps):
    impulse = np.zeros((1, size, 1, size), np.float32)
    impulse[0, size // 2, 0, size // 2] = 1
    result = gaussian_blur(tf.constant(impulse), tf.constant([2.0])).numpy()[0, :, 0]
    expected = kernel(2.0, taps // 2)
    for line in (result.sum(0), result.sum(1)):
        assert np.count_nonzero(line) == taps
        np.testing.assert_allclose(line[line > 0], expected, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_is_a_convolution_with_a_sigma_for_each_image(channels):
    images = np.random.default_rng(0).random((4, 64, channels, 64), np.float32)
    sigmas = [0.1, 0.5, 1.0, 2.0]
    result = transpose_hw(gaussian_blur(tf.constant(images), tf.constant(sigmas))).numpy()
    for image, sigma, actual in zip(images, sigmas, result, strict=True):
        for channel in range(channels):
            expected = blurred(image[:, channel], kernel(sigma, 3))
            np.testing.assert_allclose(actual[:, channel], expected, atol=1e-6)


def test_outside_is_black():
    white = np.ones((1, 64, 1, 64), np.float32)
    result = gaussian_blur(tf.constant(white), tf.constant([2.0])).numpy()[0, :, 0]
    edge = kernel(2.0, 3)[3:].sum()
    np.testing.assert_allclose(result[32, 32], 1.0, rtol=1e-6)
    np.testing.assert_allclose(result[32, 0], edge, rtol=1e-6)
    np.testing.assert_allclose(result[0, 0], edge**2, rtol=1e-6)


def test_sigma_zero_changes_nothing():
    images = np.random.default_rng(0).random((2, 32, 3, 32), np.float32)
    np.testing.assert_array_equal(transpose_hw(gaussian_blur(tf.constant(images), tf.constant([0.0, 0.0]))), images)
