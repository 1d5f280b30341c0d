"""A backbone of keras-cv computes what the encoder it was made of computes."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.models.keras_cv_backbone import keras_cv_backbone, normalized
from byol_keras.precision import copy_model


@pytest.fixture(scope="module")
def trained():
    """A ResNet-10 whose every weight is off its initial value, as after training."""
    encoder = bk.resnet10(input_shape=(64, 64, 3), mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3])
    generator = np.random.default_rng(0)
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return encoder


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((2, 64, 64, 3), np.float32)


def test_last_stage_pooled_is_the_embedding(trained, images):
    features = keras_cv_backbone(trained)(normalized(images, trained), training=False)
    embedding = trained(images, training=False)
    assert np.ptp(embedding) > 0.1
    np.testing.assert_allclose(np.mean(features, axis=(1, 2)), embedding, rtol=1e-4, atol=1e-4)


def test_batch_statistics_and_momentum_are_the_encoders(trained, images):
    backbone, copy = keras_cv_backbone(trained), copy_model(trained)
    backbone(normalized(images, trained), training=True)
    copy(images, training=True)
    moved, expected = backbone.get_layer("conv1_bn").moving_mean, copy.get_layer("stem_bn").moving_mean
    assert np.abs(expected - trained.get_layer("stem_bn").moving_mean).max() > 0.01
    np.testing.assert_allclose(moved, expected, rtol=1e-5, atol=1e-6)


def test_takes_images_of_other_sizes(trained):
    features = keras_cv_backbone(trained)(np.zeros((1, 96, 160, 3), np.float32), training=False)
    assert features.shape == (1, 3, 5, 512)


def test_resnet18_has_its_blocks(images):
    encoder = bk.resnet18(input_shape=(64, 64, 3))
    features = keras_cv_backbone(encoder)(normalized(images, encoder), training=False)
    np.testing.assert_allclose(np.mean(features, axis=(1, 2)), encoder(images, training=False), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("make", [bk.resnet8x2, bk.resnet50, lambda input_shape: bk.resnet18(input_shape=(32, 32, 3))])
def test_other_encoders_are_refused(make):
    with pytest.raises(bk.InputError, match="resnet10, resnet18 or resnet34"):
        keras_cv_backbone(make(input_shape=(64, 64, 3)))
