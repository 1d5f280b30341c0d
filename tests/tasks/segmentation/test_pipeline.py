"""Crops of images: the image and its classes stay together."""

import numpy as np
import pytest

from byol_keras.tasks.segmentation.dataset import open_segmentation
from byol_keras.tasks.segmentation.label_maps import VOID
from byol_keras.tasks.segmentation.pipeline import CropBatches, crop_with_labels


def test_image_and_labels_are_cut_alike():
    # Halves of two grays: the border is at the same column in both, up to the smoothing of one pixel.
    labels = np.zeros((90, 120), np.uint8)
    labels[:, 70:] = 9
    image = np.repeat(np.where(labels == 9, 200, 40).astype(np.uint8)[..., None], 3, axis=2)
    generator = np.random.default_rng(0)
    borders, mirrored = set(), set()
    for _ in range(40):
        crop, classes = crop_with_labels(image, labels, 48, generator)
        assert crop.shape == (48, 48, 3)
        assert set(np.unique(classes)) <= {0, 9}
        wrong = (crop[..., 0] > 120) != (classes == 9)
        assert wrong.mean() <= 1 / 48
        borders.add(int((classes[0] == 9).sum()))
        if 0 < (classes[0] == 9).sum() < 48:
            mirrored.add(bool(classes[0, 0] == 9))
    assert len(borders) > 10
    assert mirrored == {True, False}


def test_an_image_too_small_for_the_crop_is_continued_without_a_class():
    generator = np.random.default_rng(0)
    crop, classes = crop_with_labels(np.full((20, 100, 3), 77, np.uint8), np.zeros((20, 100), np.uint8), 64, generator)
    assert (crop == 77).all()
    known = classes[:, 0] == 0
    # 20 of the image's rows, enlarged by 0.75 to 1.5.
    assert 15 <= known.sum() <= 30
    assert (classes[~known] == VOID).all()


@pytest.fixture(scope="module")
def dataset(draw_dataset, tmp_path_factory):
    return open_segmentation(draw_dataset(tmp_path_factory.mktemp("dataset") / "train", count=3))


def test_void_weighs_nothing_and_classes_what_they_weigh(dataset):
    images, labels, weights = CropBatches(dataset, [1.0, 2.0, 4.0], 32, 12, 5, seed=0)[0]
    assert images.shape == (12, 32, 32, 3)
    assert images.dtype == np.float32
    assert 0 <= images.min() <= images.max() <= 1
    assert labels.max() == 2
    # Of the classes, void got the number 0, and 0 the weight 1: only void weighs nothing.
    assert set(np.unique(weights)) == {0.0, 1.0, 2.0, 4.0}
    np.testing.assert_array_equal(weights[weights > 0], np.array([1.0, 2.0, 4.0])[labels[weights > 0]])
    assert (labels[weights == 0] == 0).all()


def test_a_batch_follows_from_seed_and_step(dataset):
    def batch(seed, step):
        return CropBatches(dataset, [1.0] * 3, 32, 2, 5, seed)[step][0]

    np.testing.assert_array_equal(batch(1, 3), batch(1, 3))
    assert (batch(1, 3) != batch(1, 4)).any()
    assert (batch(1, 3) != batch(2, 3)).any()


def test_every_image_comes_once_before_any_comes_again(dataset, monkeypatch):
    seen = []
    monkeypatch.setattr(type(dataset), "image", lambda self, i: seen.append(i) or np.zeros((40, 56, 3), np.uint8))
    batches = CropBatches(dataset, [1.0] * 3, 32, 2, 6, seed=0)
    assert len(batches) == 6
    for step in range(6):
        batches[step]
    assert all(sorted(seen[i : i + 3]) == [0, 1, 2] for i in range(0, 12, 3))
    assert len({tuple(seen[i : i + 3]) for i in range(0, 12, 3)}) > 1
