"""LiDAR against a hand case and the formula as it is written, with matrices of its own."""

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.evaluation import lidar


def by_formula(embeddings):
    count, views, width = embeddings.shape
    means = embeddings.mean(1)
    center = means.mean(0)
    between = sum(np.outer(m - center, m - center) for m in means) / count
    within = np.zeros((width, width))
    for image, mean in zip(embeddings, means, strict=True):
        for view in image:
            within += np.outer(view - mean, view - mean) / (count * views)
    values = np.linalg.eigvals(np.linalg.inv(within + 1e-4 * np.eye(width)) @ between).real
    shares = np.abs(values) / np.abs(values).sum() + 1e-7
    return np.exp(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("shape", [(30, 4, 6), (5, 3, 12)])
def test_it_is_the_formula(shape):
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(shape[0], 1, shape[2])) * np.geomspace(1, 0.01, shape[2])
    embeddings = embeddings + rng.normal(size=shape) * rng.uniform(0.01, 1, shape[2])
    # More than N - 1 dimensions have no variance between images; of each, 1e-7 of a share is left in the formula.
    assert lidar(embeddings.astype(np.float32)) == pytest.approx(by_formula(embeddings), rel=2e-4)


def test_hand_case():
    # Between images: 4 along x, 1 along y; within: the same along both. Shares 4/5 and 1/5.
    images = np.array([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
    views = 0.5 * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert lidar(images[:, None] + views) == pytest.approx(np.exp(-(0.8 * np.log(0.8) + 0.2 * np.log(0.2))), rel=1e-5)


def test_noise_in_the_views_is_no_dimension():
    rng = np.random.default_rng(1)
    embeddings = np.zeros((200, 10, 16))
    embeddings[..., :2] = rng.normal(size=(200, 1, 2))
    embeddings += rng.normal(size=embeddings.shape)
    clean = np.zeros_like(embeddings)
    clean[..., :2] = rng.normal(size=(200, 1, 2))
    clean += 1e-3 * rng.normal(size=embeddings.shape)
    assert lidar(clean) < 2.1
    assert np.linalg.matrix_rank(embeddings.reshape(-1, 16)) == 16


@pytest.mark.parametrize("embeddings", [np.ones((4, 3)), np.ones((1, 4, 3)), np.ones((4, 1, 3))])
def test_another_shape_is_refused(embeddings):
    with pytest.raises(InputError, match=r"Received: embeddings of shape \("):
        lidar(embeddings)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="NaN"):
        lidar(np.full((3, 3, 3), np.nan))
