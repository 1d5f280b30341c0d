"""The network on the backbone of an encoder, without training it."""

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.models.keras_cv_backbone import normalized
from byol_keras.tasks.segmentation.model import build_segmenter, load_segmenter, segmenter_function
from byol_keras.utils.private_api import all_layers


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return bk.resnet10(input_shape=(64, 64, 3), mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3])


@pytest.fixture(scope="module")
def model(encoder):
    return build_segmenter(encoder, 3, crop_size=64)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((1, 64, 96, 3), np.float32)


def test_has_the_encoder_inside(model, encoder, images):
    deeplab = model.layers[-1]
    features = deeplab.backbone(normalized(images[:, :, :64], encoder), training=False)
    embedding = encoder(images[:, :, :64], training=False)
    np.testing.assert_allclose(np.mean(features, axis=(1, 2)), embedding, rtol=1e-3, atol=1e-4)


def test_the_head_is_keras_cvs_in_another_order(model, encoder, images):
    # Scores of enlarged features are enlarged scores: both are linear, and neighbors' weights sum to 1.
    deeplab = model.layers[-1]
    convolution, normalization, relu, scores, enlarged = deeplab.segmentation_head.layers
    inputs = keras.Input((16, 24, 304))
    theirs = keras.Model(inputs, scores(enlarged(relu(normalization(convolution(inputs))))))
    features = np.random.default_rng(1).normal(size=(1, 16, 24, 304)).astype(np.float32)
    np.testing.assert_allclose(
        deeplab.segmentation_head(features, training=False), theirs(features, training=False), rtol=1e-4, atol=1e-4
    )


def test_predicts_at_the_size_of_the_image(model):
    image = np.random.default_rng(2).integers(0, 256, (45, 70, 3), np.uint8)
    classes = segmenter_function(model)(image)
    assert classes.shape == (45, 70)
    assert classes.dtype == np.uint8
    # By hand: the edge continued to multiples of 32, the highest score, and cut again.
    padded = np.pad(image, ((0, 19), (0, 26), (0, 0)), mode="edge")[None] / np.float32(255)
    scores = np.asarray(model(padded, training=False))[0, :45, :70]
    assert (scores.argmax(axis=-1) == classes).mean() > 0.999


def test_saved_and_loaded_it_gives_the_same_scores(model, images, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = load_segmenter(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images, training=False), model(images, training=False))


def test_batch_norm_follows_within_a_short_training(model):
    layers = [layer for layer in all_layers(model) if isinstance(layer, keras.layers.BatchNormalization)]
    # The encoder's 12, five branches and the projection of the pyramid, the low-level features, and the head.
    assert len(layers) == 12 + 6 + 1 + 1
    assert {layer.momentum for layer in layers} == {0.9}


def test_other_encoders_and_files_are_refused(tmp_path):
    with pytest.raises(bk.InputError, match="resnet10, resnet18 or resnet34"):
        build_segmenter(bk.resnet8(input_shape=(32, 32, 3)), 3, 64)
    with pytest.raises(bk.InputError, match=r"model\.keras is not a segmenter that can be loaded"):
        load_segmenter(tmp_path / "model.keras")
