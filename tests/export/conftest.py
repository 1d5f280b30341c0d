"""Small encoders that behave like trained ones, and images with shapes in them."""

import keras
import numpy as np
import pytest

from ..disks import mounted


def small_encoder(seed=0, size=(32, 32), channels=3, filters=(16, 32, 48)):
    """Convolutions, batch norm, pooling, built under the current dtype policy; statistics as training leaves them."""
    keras.utils.set_random_seed(seed)
    inputs = x = keras.Input((*size, channels), name="make_images")
    x = keras.layers.Normalization(mean=[0.45] * channels, variance=[0.06] * channels)(x)
    for width in filters:
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.0)(x)
        x = keras.layers.ReLU()(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x), name="small")
    height, width = (32 if side is None else side for side in size)
    model(image_batch(16, height, width, channels) / np.float32(255), training=True)
    return model


def small_resnet():
    """Two residual blocks whose shortcuts are strided 1x1 convolutions; statistics as training leaves them."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3), name="make_images")
    x = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    for width in (32, 64):
        shortcut = keras.layers.Conv2D(width, 1, strides=2, use_bias=False)(x)
        shortcut = keras.layers.BatchNormalization(momentum=0.0)(shortcut)
        x = keras.layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.0)(x)
        x = keras.layers.ReLU()(keras.layers.Add()([x, shortcut]))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x), name="residual")
    model(image_batch(16, 32, 32) / np.float32(255), training=True)
    return model


def image_batch(count, height, width, channels=3, seed=0):
    """uint8 (count, height, width, channels): a gradient with a bright and a dark rectangle."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j][..., None]
    images = np.empty((count, height, width, channels), np.uint8)
    for image in images:
        slope, base = rng.uniform(-0.5, 0.5, (2, channels)), rng.uniform(0.2, 0.8, channels)
        values = base + slope[0] * rows + slope[1] * columns
        for color in (rng.uniform(0.7, 1, channels), rng.uniform(0, 0.3, channels)):
            top, left = rng.integers(height - 4), rng.integers(width - 4)
            values[top : top + rng.integers(4, height // 2), left : left + rng.integers(4, width // 2)] = color
        image[...] = np.clip(values * 255, 0, 255).astype(np.uint8)
    return images


@pytest.fixture(scope="session")
def encoder():
    return small_encoder()


@pytest.fixture(scope="session")
def residual_encoder():
    return small_resnet()


@pytest.fixture(scope="session")
def images():
    """uint8 (24, 40, 56, 3)."""
    return image_batch(24, 40, 56)


@pytest.fixture
def half_precision(request):
    """The global dtype policy named by the parameter, for one test."""
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def make_encoder():
    return small_encoder


@pytest.fixture(scope="session")
def make_images():
    return image_batch


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB, of which 40 are left."""
    with mounted(tmp_path / "disk", "64k") as disk:
        yield disk
