"""Random crops of images with their label maps, to train on."""

import keras
import numpy as np
from PIL import Image

from .dataset import SegmentationDataset
from .label_maps import VOID

# A crop shows the image reduced or enlarged by a factor between these, log-uniform.
SCALES = (0.75, 1.5)


def crop_with_labels(
    image: np.ndarray, labels: np.ndarray, size: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random square of an image, at a random scale, mirrored half of the time.

    Where the image is too small for the square its edge is continued, without a class.

    Args:
        image: (H, W, 3) uint8.
        labels: (H, W) uint8, VOID where there is no class.
        size: int, S, pixels.
        generator: np.random.Generator.

    Returns:
        image: (S, S, 3) uint8, bilinear.
        labels: (S, S) uint8, the nearest pixel's: numbers of classes have no mean.
    """
    side = size / np.exp(generator.uniform(*np.log(SCALES)))
    height, width = labels.shape
    missing = ((0, max(0, int(np.ceil(side)) - height)), (0, max(0, int(np.ceil(side)) - width)))
    image = np.pad(image, (*missing, (0, 0)), mode="edge")
    labels = np.pad(labels, missing, constant_values=VOID)
    top, left = (generator.uniform(0, length - side) for length in labels.shape)
    box = (left, top, left + side, top + side)
    image = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR, box)
    labels = Image.fromarray(labels).resize((size, size), Image.Resampling.NEAREST, box)
    mirror = slice(None, None, -1 if generator.random() < 0.5 else 1)
    return np.asarray(image)[:, mirror], np.asarray(labels)[:, mirror]


class CropBatches(keras.utils.PyDataset):
    """Batches of crops with a weight for every pixel: 0 without a class, otherwise that of its class.

    The batch of a step follows from the seed and the step's number. Every image comes once before any comes again.

    Args:
        dataset: `SegmentationDataset`, N of them.
        weights: (C,) float, of the classes.
        size: int, S, pixels.
        batch_size: int, B; more than N is fine.
        steps: int, batches in all.
        seed: int.
    """

    def __init__(
        self, dataset: SegmentationDataset, weights: np.ndarray, size: int, batch_size: int, steps: int, seed: int
    ):
        super().__init__()
        self.dataset, self.size, self.batch_size, self.steps, self.seed = dataset, size, batch_size, steps, seed
        self.weights = np.zeros(256, np.float32)
        self.weights[: len(weights)] = weights

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        """Images (B, S, S, 3) float32 in [0, 1], labels (B, S, S) uint8 with 0 for void, weights (B, S, S)."""
        generator = np.random.default_rng((self.seed, 1, step))
        crops = [self._crop(step * self.batch_size + i, generator) for i in range(self.batch_size)]
        images, labels = (np.stack(arrays) for arrays in zip(*crops, strict=True))
        weights = self.weights[labels]
        return images / np.float32(255), np.where(labels == VOID, np.uint8(0), labels), weights

    def _crop(self, number, generator):
        epoch, place = divmod(number, len(self.dataset))
        i = np.random.default_rng((self.seed, 0, epoch)).permutation(len(self.dataset))[place]
        return crop_with_labels(self.dataset.image(i), self.dataset.labels(i), self.size, generator)
