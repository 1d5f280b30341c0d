"""Training a segmenter."""

import math
import sys
from dataclasses import dataclass

import keras
import numpy as np

from ...errors import InputError
from ...kernels import fast_layers
from ...models.finite import require_finite
from ...schedules import warmup_cosine
from .dataset import SegmentationDataset
from .model import STRIDE
from .pipeline import CropBatches

# Share of the updates in which the learning rate rises.
WARMUP = 0.1
WEIGHT_DECAY = 1e-4
# 0 counts every pixel alike, 1 every class alike.
BALANCE = 0.5


# Much like detection's config, with fields and limits of its own: no task imports another.
@dataclass(frozen=True)
class SegmentationConfig:
    """How a segmenter is trained.

    Attributes:
        steps: updates.
        batch_size: crops in one update.
        crop_size: pixels, a multiple of 32.
        learning_rate: of AdamW, at its peak.

    Raises:
        InputError: for a value that cannot be.

    Example:
        config = bk.tasks.SegmentationConfig(steps=400)
    """

    steps: int = 400
    batch_size: int = 8
    crop_size: int = 128
    learning_rate: float = 1e-3

    def __post_init__(self):
        for name in ("steps", "batch_size"):
            if getattr(self, name) < 2:
                raise InputError(f"{name} must be at least 2. Received: {name}={getattr(self, name)}")
        if self.crop_size < STRIDE or self.crop_size % STRIDE:
            raise InputError(f"crop_size must be a multiple of {STRIDE} pixels. Received: crop_size={self.crop_size}")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be above 0 and finite. Received: learning_rate={self.learning_rate}")


def finetune_segmenter(model: keras.Model, dataset: SegmentationDataset, config: SegmentationConfig, seed: int) -> None:
    """Trains all of a segmenter: AdamW, linear warm-up, then a cosine to 0.

    Args:
        model: of `build_segmenter`.
        dataset: `SegmentationDataset`.
        config: `SegmentationConfig`.
        seed: int, of the crops.

    Raises:
        InputError: where training has diverged.

    Example:
        bk.tasks.finetune_segmenter(model, train, bk.tasks.SegmentationConfig(), seed=0)
    """
    rate = warmup_cosine(config.learning_rate, 256, config.steps, int(WARMUP * config.steps))
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY),
        # The mean over the pixels with a class, and not over all.
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight"),
    )
    weights = class_weights(dataset.pixels)
    batches = CropBatches(dataset, weights, config.crop_size, config.batch_size, config.steps, seed)
    with fast_layers(model):
        model.fit(batches, epochs=1, shuffle=False, verbose=1 if sys.stdout.isatty() else 2)
    require_finite(model)


def class_weights(pixels: np.ndarray, balance: float = BALANCE) -> np.ndarray:
    """What a pixel of each class weighs in the loss: (median frequency / frequency) ** balance.

    A class' frequency is its share of the images in which it occurs (Eigen and Fergus 2015, arXiv 1411.4734, where
    balance is 1).

    Args:
        pixels: (N, C) int, pixels of each class in each image.
        balance: float from 0 to 1.

    Returns:
        (C,) float64; 0 for a class that does not occur.
    """
    pixels = np.asarray(pixels, np.float64)
    where_it_occurs = (pixels > 0) * pixels.sum(axis=1, keepdims=True)
    frequency = pixels.sum(axis=0) / np.maximum(where_it_occurs.sum(axis=0), 1)
    occurs = frequency > 0
    weights = np.zeros(len(frequency))
    weights[occurs] = (np.median(frequency[occurs]) / frequency[occurs]) ** balance
    return weights
