import io

import numpy as np
import pytest
from PIL import Image

from byol_keras.evaluation.pixels import color_agreement, near_copies

GENERATOR = np.random.default_rng(0)


def smooth(count, side=32):
    """Images of soft blobs, as photographs are at that size: (N, S, S, 3) in [0, 1]."""
    small = [Image.fromarray(GENERATOR.integers(0, 256, (6, 6, 3), np.uint8)) for _ in range(count)]
    return np.stack([np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) / 255 for image in small])


def recompressed(image, quality):
    file = io.BytesIO()
    Image.fromarray(np.uint8(image * 255)).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file)) / 255


def test_copies_are_found_and_others_are_not():
    images = smooth(20)
    others = [images[3], recompressed(images[7], 90), np.clip(images[9] + 2 / 255, 0, 1), images[11] * 0.8]
    found = near_copies(np.concatenate([images, others]))
    assert np.flatnonzero(found).tolist() == [3, 7, 9, 20, 21, 22]


def test_colors_that_decide_are_seen():
    images = smooth(60)
    by_color = np.concatenate([images.mean(axis=(1, 2)) - 0.5, images.std(axis=(1, 2))], axis=1)
    assert color_agreement(by_color, images) > 0.5
    by_chance = np.mean([color_agreement(GENERATOR.normal(size=(60, 8)), images) for _ in range(50)])
    assert by_chance == pytest.approx(0.05, abs=0.015)


def test_an_image_is_not_its_own_neighbor():
    # Copies: each of a pair has the other as the nearest, which is of the same color.
    images = np.repeat(smooth(20), 2, axis=0)
    vectors = np.repeat(GENERATOR.normal(size=(20, 8)), 2, axis=0)
    assert color_agreement(vectors, images) == 1.0
