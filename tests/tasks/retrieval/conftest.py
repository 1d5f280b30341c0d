"""A folder of small images and an encoder that tells them apart by color."""

import keras
import numpy as np
import pytest
from PIL import Image

COLORS = {"blue": (30, 40, 200), "green": (40, 180, 60), "red": (210, 50, 40)}


def image(color, seed, size=(10, 12)):
    """(H, W, 3) uint8: a color with noise."""
    noise = np.random.default_rng(seed).normal(0, 12, (*size, 3))
    return np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def save():
    """Writes an image of a color to a path."""

    def write(path, color, seed):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(color, seed)).save(path)
        return path

    return write


@pytest.fixture
def folder(tmp_path, save):
    """Five images of each color, in subfolders."""
    for color in COLORS:
        for i in range(5):
            save(tmp_path / "photos" / color / f"{i}.png", color, i)
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def make_encoder():
    """Makes an encoder of 8 pixel images: a random projection of the mean colors of their quarters."""

    def make(seed):
        keras.utils.set_random_seed(seed)
        inputs = x = keras.Input((8, 8, 3))
        x = keras.layers.Flatten()(keras.layers.AveragePooling2D(4)(x))
        return keras.Model(inputs, keras.layers.Dense(16)(x))

    return make


@pytest.fixture(scope="session")
def encoder(make_encoder):
    return make_encoder(0)


@pytest.fixture(scope="session")
def encoder_file(encoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "encoder.keras"
    encoder.save(path)
    return path
