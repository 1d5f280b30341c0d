"""Networks small enough to train within a test."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.batch_norm import batch_norm
from byol_keras.heads import mlp


def _tiny_encoder():
    inputs = x = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    x = batch_norm()(x)
    x = keras.layers.ReLU()(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def _tiny_byol(encoder=None, seed=0, **kwargs):
    keras.utils.set_random_seed(seed)
    encoder = encoder or _tiny_encoder()
    return bk.BYOL(encoder, projector=mlp(encoder.output_shape[-1], 6, 3), predictor=mlp(3, 6, 3), **kwargs)


@pytest.fixture(scope="session")
def tiny_encoder():
    """Makes an encoder of 8 pixel colour pictures, D = 4."""
    return _tiny_encoder


@pytest.fixture(scope="session")
def tiny_byol():
    """Makes a BYOL of a tiny encoder, or of the one given, with heads of 6 and 3 units."""
    return _tiny_byol


@pytest.fixture(scope="session")
def view_pair():
    """Two views of 12 pictures of 8 pixels: float32 in [0, 1], related but not equal."""
    rng = np.random.default_rng(7)
    view_1 = rng.random((12, 8, 8, 3), np.float32)
    view_2 = np.clip(view_1 + rng.normal(0, 0.2, view_1.shape), 0, 1).astype(np.float32)
    return view_1, view_2


@pytest.fixture
def set_policy():
    """Sets Keras' dtype policy for one test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")
