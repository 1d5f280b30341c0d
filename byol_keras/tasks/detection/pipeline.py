"""tf.data pipelines for a detector."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ...augment.random import uniform
from ...data.images import ImageSource
from ...data.loading import whole_loader
from ...errors import InputError
from ...utils.array_rows import array_rows
from ...utils.pipeline import ahead, parallel_map
from .dataset import DetectionDataset
from .letterbox import fitted_sizes, letterboxed, to_letterbox

FLIP = 0.5


def training_batches(
    dataset: DetectionDataset,
    letterbox: tuple[int, int],
    normalize: Callable,
    batch_size: int,
    total_steps: int,
    seed: int,
) -> tf.data.Dataset:
    """Shuffled batches, each image mirrored with probability 0.5.

    Args:
        dataset: `DetectionDataset`.
        letterbox: (height, width).
        normalize: as for `letterboxed`.
        batch_size: int, at most as many as there are images.
        total_steps: int, batches in all.
        seed: int, of the order and the mirroring.

    Returns:
        tf.data.Dataset of (images (B, H, W, 3) float32, {"boxes": (B, M, 4) float32, left, top, right, bottom in pixels
        of the letterbox, "classes": (B, M) float32}), padded with -1 where an image has fewer than M.

    Raises:
        InputError: for a batch below 1 or above the number of images.
    """
    if not 1 <= batch_size <= len(dataset):
        raise InputError(
            f"batch_size must be from 1 to {len(dataset)}, the number of training images. "
            f"Received: batch_size={batch_size}"
        )
    boxes, classes = _padded(dataset, letterbox)
    load = _loader(dataset.source, letterbox, normalize)
    last = tf.constant(len(dataset) - 1, tf.int64)

    def example(number):
        # The images of an epoch in an order of its own; the rest of a batch comes from the next epoch.
        epoch, place = number // len(dataset), number % len(dataset)
        index = tf.random.experimental.index_shuffle(place, tf.stack([tf.constant(seed, tf.int64), epoch]), last)
        image, corners = load(index), tf.gather(boxes, index)
        mirrored = uniform([], tf.stack([tf.constant(seed, tf.int64), -1 - number])) < FLIP
        image = tf.where(mirrored, image[:, ::-1], image)
        return image, {
            "boxes": tf.where(mirrored, mirror(corners, letterbox[1]), corners),
            "classes": tf.gather(classes, index),
        }

    examples = parallel_map(tf.data.Dataset.range(batch_size * total_steps), example)
    return ahead(examples.batch(batch_size, drop_remainder=True))


def letterboxed_batches(
    source: ImageSource, letterbox: tuple[int, int], normalize: Callable, batch_size: int = 16
) -> tf.data.Dataset:
    """Batches in the order of `source`: tf.data.Dataset of (B, H, W, 3) float32."""
    load = _loader(source, letterbox, normalize)
    return ahead(parallel_map(tf.data.Dataset.range(len(source)), load).batch(batch_size))


def mirror(boxes: tf.Tensor, width: int) -> tf.Tensor:
    """Boxes (..., 4) of an image of `width` pixels in its mirror image; padding stays."""
    left, top, right, bottom = tf.unstack(boxes, axis=-1)
    mirrored = tf.stack([width - right, top, width - left, bottom], axis=-1)
    return tf.where(boxes < 0, boxes, mirrored)


def _loader(source, letterbox, normalize):
    """A graph function: index -> (H, W, 3) float32 in the letterbox."""
    sizes = tf.constant(fitted_sizes(source.sizes, letterbox))
    if source.images is not None:
        rows = array_rows(source.images)
        return lambda index: letterboxed(rows(index[None])[0], sizes[index], letterbox, normalize)
    whole = whole_loader(source)
    return lambda index: letterboxed(whole(index), sizes[index], letterbox, normalize)


def _padded(dataset, letterbox):
    """Boxes (N, M, 4) in the letterbox and classes (N, M), float32, crowds excluded, padded with -1."""
    objects = [~crowd for crowd in dataset.crowd]
    longest = max(int(is_object.sum()) for is_object in objects)
    boxes = np.full((len(dataset), longest, 4), -1, np.float32)
    classes = np.full((len(dataset), longest), -1, np.float32)
    for i, is_object in enumerate(objects):
        count = int(is_object.sum())
        boxes[i, :count] = to_letterbox(dataset.boxes[i][is_object], dataset.source.sizes[i], letterbox)
        classes[i, :count] = dataset.classes[i][is_object]
    return tf.constant(boxes), tf.constant(classes)
