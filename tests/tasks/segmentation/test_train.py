"""How segmenters are trained: the weights of classes, the loss, the config."""

import math

import keras
import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.segmentation.dataset import open_segmentation
from byol_keras.tasks.segmentation.metrics import segmenter_confusion
from byol_keras.tasks.segmentation.pipeline import CropBatches
from byol_keras.tasks.segmentation.train import SegmentationConfig, class_weights, finetune_segmenter


def test_class_weights_by_hand():
    # The second image has no third class. Shares where they occur: 80 / 200, 90 / 200, 30 / 100, and none.
    pixels = np.array([[50, 20, 30, 0], [30, 70, 0, 0]])
    weights = class_weights(pixels, balance=1)
    np.testing.assert_allclose(weights, [0.4 / 0.4, 0.4 / 0.45, 0.4 / 0.3, 0])
    np.testing.assert_allclose(class_weights(pixels, balance=0), [1, 1, 1, 0])
    np.testing.assert_allclose(class_weights(pixels, balance=0.5), np.sqrt(weights))


@pytest.fixture(scope="module")
def dataset(draw_dataset, tmp_path_factory):
    return open_segmentation(draw_dataset(tmp_path_factory.mktemp("dataset") / "train"))


def test_pixels_without_a_class_do_not_count(dataset):
    """The loss is the weighted mean over the pixels with a class, computed here in NumPy."""
    # So small a learning rate that both steps see the network as it was.
    config = SegmentationConfig(steps=2, batch_size=12, crop_size=32, learning_rate=1e-12)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    batches = CropBatches(dataset, class_weights(dataset.pixels), 32, 12, 2, seed=0)
    expected = []
    for step in range(2):
        images, labels, weights = batches[step]
        scores = np.asarray(model(images), np.float64)
        logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
        losses = -np.take_along_axis(logs, labels[..., None].astype(int), axis=-1)[..., 0]
        assert (weights == 0).any()
        expected.append((losses * weights).sum() / weights.sum())
    finetune_segmenter(model, dataset, config, seed=0)
    np.testing.assert_allclose(model.get_metrics_result()["loss"], np.mean(expected), rtol=1e-5)


def test_the_colors_of_drawn_images_are_learned(dataset):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(16, 1, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(x))
    finetune_segmenter(
        model, dataset, SegmentationConfig(steps=50, batch_size=2, crop_size=32, learning_rate=0.05), seed=0
    )
    counts = segmenter_confusion(model, dataset)
    assert counts.sum() == dataset.pixels.sum()
    assert np.trace(counts) / counts.sum() > 0.95


def test_the_learning_rate_rises_and_falls(dataset):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    finetune_segmenter(
        model, dataset, SegmentationConfig(steps=20, batch_size=2, crop_size=32, learning_rate=0.02), seed=0
    )
    rate = model.optimizer._learning_rate
    np.testing.assert_allclose([float(rate(step)) for step in (0, 1, 2, 11, 20)], [0, 0.01, 0.02, 0.01, 0], atol=1e-7)


def test_training_that_diverges_is_an_error(dataset):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    config = SegmentationConfig(steps=3, batch_size=2, crop_size=32, learning_rate=1e30)
    with pytest.raises(InputError, match=r"are not finite, .* training has diverged"):
        finetune_segmenter(model, dataset, config, seed=0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 1}, "steps must"),
        ({"batch_size": 1}, "batch_size must"),
        ({"crop_size": 100}, "crop_size must"),
        *(({"learning_rate": rate}, "learning_rate must be above 0 and finite") for rate in (0, math.inf, math.nan)),
    ],
)
def test_configs_that_cannot_be(wrong, said):
    with pytest.raises(InputError, match=said):
        SegmentationConfig(**wrong)
