"""Encoders that divide images by 255, which are in [0, 1] already."""

import warnings

import keras
import pytest
from keras import layers

import byol_keras as bk
from byol_keras.models.pixel_scale import warn_of_pixels_to_255

MEAN, VARIANCE = [0.485, 0.456, 0.406], [0.052, 0.050, 0.051]
TO_255 = [255**2 * variance for variance in VARIANCE]


def network(*first):
    """An encoder of images, 8 x 8, that begins with some layers."""
    last = [layers.Conv2D(4, 3, name="first_filters"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((8, 8, 3)), *first, *last], name="net")


def nested(*first):
    """The same as a model within a model."""
    inputs = keras.Input((8, 8, 3))
    return keras.Model(inputs, network()(keras.Sequential(list(first))(inputs)), name="net")


def said_of(encoder):
    """The warnings about an encoder."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warn_of_pixels_to_255(encoder)
    return [str(warning.message) for warning in said]


@pytest.mark.parametrize("make", [network, nested])
@pytest.mark.parametrize(
    ("first", "scale"),
    [
        ([layers.Rescaling(1 / 255)], "0.0039"),
        ([layers.Rescaling(1 / 127.5, offset=-1)], "0.0078"),
        ([layers.Normalization(mean=[100.0] * 3, variance=TO_255)], "0.018"),
        ([layers.Rescaling([1 / 255] * 3), layers.Normalization(mean=MEAN, variance=VARIANCE)], "0.018"),
    ],
)
def test_one_for_pixels_to_255_is_said(make, first, scale):
    (said,) = said_of(make(*first))
    assert said.startswith(f"The encoder 'net' begins by scaling its images to {scale} of their range")


@pytest.mark.parametrize("make", [network, nested])
@pytest.mark.parametrize(
    "first",
    [
        [layers.Rescaling(2.0, offset=-1)],
        [layers.Rescaling(255.0), layers.Rescaling(1 / 127.5, offset=-1)],
        [layers.Rescaling(255.0), layers.Normalization(mean=[100.0] * 3, variance=TO_255)],
        [layers.Normalization(mean=MEAN, variance=VARIANCE)],
        [layers.Normalization(mean=[0.0] * 3, variance=[9.0] * 3, invert=True)],
        [layers.Conv2D(3, 1), layers.Rescaling(1 / 255)],
    ],
)
def test_one_for_images_as_they_come_is_not(make, first):
    assert said_of(make(*first)) == []


def test_others_are_left_alone():
    series = keras.Sequential([keras.Input((8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    for encoder in (bk.resnet8(input_shape=(16, 16, 3)), series):
        assert said_of(encoder) == []


def test_byol_says_so():
    encoder = keras.applications.MobileNetV3Small(
        (32, 32, 3), alpha=0.75, minimalistic=True, include_top=False, weights=None, pooling="avg"
    )
    with pytest.warns(UserWarning, match=r"include_preprocessing=False .*keras\.layers\.Rescaling\(255\)") as said:
        bk.BYOL(encoder)
    assert said[0].filename == __file__
