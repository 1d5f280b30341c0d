"""What is said of an encoder that has diverged or collapsed, and that nothing is said of others."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.data.arrays import from_arrays
from byol_keras.errors import InputError
from byol_keras.evaluation import embed
from byol_keras.evaluation.collapse import FEW


@pytest.fixture
def images():
    """300 images, (300, 8, 8, 3) uint8, each another."""
    return np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), np.uint8)


def warnings(capfd):
    """What was said; TensorFlow has its own lines."""
    return [line for line in capfd.readouterr().err.splitlines() if "same embedding" in line]


def collapsed(encoder):
    """The encoder with an output that is the same for all images, by the shift of its normalization."""
    for weight in encoder.weights:
        if weight.path.endswith("gamma"):
            weight.assign(np.zeros(weight.shape))
        if weight.path.endswith("beta"):
            weight.assign(np.ones(weight.shape))
    return encoder


def test_different_images_of_one_embedding_are_said_once(tiny_encoder, images, capfd):
    vectors = embed(collapsed(tiny_encoder()), from_arrays(images))
    assert len(np.unique(vectors, axis=0)) == 1
    (line,) = warnings(capfd)
    assert line.startswith("Warning: at least 32 different images have the same embedding, 0 and 299 among them")
    assert "collapsed" in line


def test_embeddings_that_differ_by_rounding_are_the_same(tiny_encoder, images, capfd):
    encoder = collapsed(tiny_encoder())
    for weight in encoder.weights:
        if weight.path.endswith("gamma"):
            weight.assign(np.full(weight.shape, 1e-6))
    vectors = embed(encoder, from_arrays(images))
    assert len(np.unique(vectors, axis=0)) > 1
    assert len(warnings(capfd)) == 1


def test_a_half_that_has_collapsed_is_said(images, capfd):
    """Dead units: every image below a brightness has one embedding."""
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(threshold=0.5)(inputs))
    images[::2] = np.minimum(images[::2], 120)
    embed(keras.Model(inputs, outputs), from_arrays(images))
    assert len(warnings(capfd)) == 1


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("make", [bk.resnet8, bk.resnet18])
def test_nothing_is_said_of_an_encoder_as_it_starts(make, precision, images, capfd):
    keras.utils.set_random_seed(0)
    embed(make(input_shape=(16, 16, 3)), from_arrays(images), precision=precision)
    assert warnings(capfd) == []


def test_nothing_is_said_of_copies(tiny_encoder, images, capfd):
    # One image a hundred times; its copies with noise, as by another JPEG; a few others, no more than may be alike.
    noise = np.random.default_rng(1).integers(-2, 3, (100, 8, 8, 3))
    copies = [np.repeat(images[:1], 100, axis=0), np.clip(images[:1] + noise, 0, 255).astype(np.uint8)]
    encoder = collapsed(tiny_encoder())
    embed(encoder, from_arrays(np.concatenate([*copies, images[: FEW - 1]])))
    embed(encoder, from_arrays(images[:FEW]))
    assert warnings(capfd) == []
    embed(encoder, from_arrays(images[: FEW + 1]))
    assert "at least 4 different images" in warnings(capfd)[0]


def test_nothing_is_said_of_images_that_the_encoder_sees_alike(tiny_encoder, capfd):
    """They differ outside of the central square."""
    images = np.zeros((20, 8, 24, 3), np.uint8)
    images[:, :, :8] = np.arange(0, 200, 10)[:, None, None, None]
    embed(tiny_encoder(), from_arrays(images))
    assert warnings(capfd) == []


def test_the_first_image_without_a_finite_embedding_is_named(images):
    inputs = keras.Input((8, 8, 3))
    # Not a number where the image is black.
    outputs = keras.layers.GlobalAveragePooling2D()(keras.ops.log(inputs) * 0 + inputs)
    images[:] = np.maximum(images, 1)
    encoder = keras.Model(inputs, outputs)
    embed(encoder, from_arrays(images))
    images[[7, 9]] = 0
    said = "The embeddings of 2 of 300 images are NaN or infinite, the first that of 7: the encoder has diverged"
    with pytest.raises(InputError, match=said):
        embed(encoder, from_arrays(images))
