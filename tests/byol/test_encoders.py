"""Encoders of other makes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.models.heads import mlp

from .by_hand import assert_trains_alike, distances
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
    assert_trains_alike(model, loaded, views)
    assert loaded.predict(views[0], verbose=0).shape == (4, dimensions)


def test_the_dimension_of_a_subclassed_encoder_need_not_be_told():
    assert bk.BYOL(_subclassed()).projector.input_shape == (None, 5)


def _with_adapted_normalization():
    keras.utils.set_random_seed(0)
    normalization = keras.layers.Normalization()
    normalization.adapt(np.random.default_rng(0).random((8, 8, 8, 3)).astype(np.float32) * 0.2 + 0.7)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(normalization(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_the_target_normalizes_as_the_encoder_does(tmp_path):
    model = bk.BYOL(_with_adapted_normalization(), projector=mlp(4, 6, 3), predictor=mlp(3, 6, 3))
    images = np.random.default_rng(1).random((4, 8, 8, 3), np.float32)
    expected = model.encoder(images).numpy()
    assert np.abs(expected).max() > 0.5
    np.testing.assert_allclose(model.target_encoder(images), expected, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for network in (loaded.encoder, loaded.target_encoder):
        np.testing.assert_allclose(network(images), expected, atol=1e-6)


class WithoutConfig(Subclassed):
    def get_config(self):
        raise NotImplementedError


def test_an_encoder_that_cannot_be_copied_is_refused():
    encoder = WithoutConfig()
    encoder(np.zeros((1, 8, 8, 3), np.float32))
    with pytest.raises(bk.InputError, match=r"Cannot copy the model: it has no get_config\(\)"):
        bk.BYOL(encoder)


def test_an_encoder_with_a_lambda_layer_trains():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda x: 2 * x)(keras.layers.Conv2D(4, 3)(inputs))
    model = bk.BYOL(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    images = np.random.default_rng(1).random((4, 8, 8, 3), np.float32)
    np.testing.assert_allclose(model.target_encoder(images), model.encoder(images), atol=1e-6)
