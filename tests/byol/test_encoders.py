"""Encoders of other makes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp

from .by_hand import distances
from .subclassed import Subclassed


def _mobilenet():
    return keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, include_top=False, pooling="avg")


def _sequential():
    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D()])


def _subclassed():
    encoder = Subclassed(width=5)
    encoder(np.zeros((1, 8, 8, 3), np.float32))
    return encoder


def _keras_cv():
    keras_cv = pytest.importorskip("keras_cv")
    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[4, 8],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        include_rescaling=False,
        input_shape=(16, 16, 3),
    )
    return keras.Sequential([keras.Input((16, 16, 3)), backbone, keras.layers.GlobalAveragePooling2D()])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what keras_cv imports
@pytest.mark.parametrize(
    ("make", "size", "dimensions"),
    [
        (_sequential, 8, 4),
        (_subclassed, 8, 5),
        pytest.param(_keras_cv, 16, 32, marks=pytest.mark.slow),
        pytest.param(_mobilenet, 32, 1280, marks=pytest.mark.slow),
    ],
)
def test_any_encoder_trains_and_is_saved(make, size, dimensions, tmp_path):
    keras.utils.set_random_seed(0)
    model = bk.BYOL(make(), projector=mlp(dimensions, 6, 3), predictor=mlp(3, 6, 3), tau=0.0)
    model.compile(keras.optimizers.SGD(0.1))
    views = tuple(tf.random.stateless_uniform((4, size, size, 3), seed=[1, i]) for i in range(2))
    assert np.abs(distances(model)).max() == 0.0
    before = model.encoder.get_weights()[0]
    assert 0.0 < float(model.train_step((views,))["loss"]) < 8.0
    assert np.abs(model.encoder.get_weights()[0] - before).max() > 0.0
    assert np.abs(distances(model)).max() < 1e-6
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        each.train_step((views,))
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert loaded.predict(views[0], verbose=0).shape == (4, dimensions)


def test_the_dimension_of_a_subclassed_encoder_need_not_be_told():
    assert bk.BYOL(_subclassed()).projector.input_shape == (None, 5)
