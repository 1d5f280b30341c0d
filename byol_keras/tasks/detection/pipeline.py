"""tf.data pipelines for a detector."""

import numpy as np
import tensorflow as tf

from ...augment.random import uniform
from ...data.loading import whole_loader
from ...errors import InputError
from .letterbox import fitted, fitted_sizes, to_letterbox

FLIP = 0.5


def training_batches(boxed, letterbox, normalize, batch_size, total_steps, seed):
    """Shuffled batches, each image mirrored with probability 0.5.

    Args:
        boxed: `DetectionDataset`.
        letterbox: (height, width).
        normalize: as for `canvas.fitted`.
        batch_size, total_steps, seed: int; a batch has at most as many images as there are.

    Returns:
        tf.data.Dataset of (images (B, H, W, 3) float32, {"boxes": (B, M, 4) float32, left, top, right, bottom in pixels
        of the canvas, "classes": (B, M) float32}), padded with -1 where an image has fewer than M.

    Raises:
        InputError: for a batch below 1 or above the number of images.
    """
    if not 1 <= batch_size <= len(boxed):
        raise InputError(f"A batch must be of 1 to {len(boxed)} images, all there are. Received: {batch_size}")
    boxes, classes = _padded(boxed, letterbox)
    load = _loader(boxed.source, letterbox, normalize)
    last = tf.constant(len(boxed) - 1, tf.int64)

    def example(number):
        # The images of an epoch in an order of its own; the rest of a batch comes from the next epoch.
        epoch, place = number // len(boxed), number % len(boxed)
        index = tf.random.experimental.index_shuffle(place, tf.stack([tf.constant(seed, tf.int64), epoch]), last)
        image, corners = load(index), tf.gather(boxes, index)
        mirrored = uniform([], tf.stack([tf.constant(seed, tf.int64), -1 - number])) < FLIP
        image = tf.where(mirrored, image[:, ::-1], image)
        return image, {
            "boxes": tf.where(mirrored, mirror(corners, letterbox[1]), corners),
            "classes": tf.gather(classes, index),
        }

    numbers = tf.data.Dataset.range(batch_size * total_steps)
    examples = numbers.map(example, num_parallel_calls=tf.data.AUTOTUNE)
    return examples.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def ordered_batches(source, letterbox, normalize, batch_size=16):
    """Batches in the order of `source`: tf.data.Dataset of (B, H, W, 3) float32."""
    load = _loader(source, letterbox, normalize)
    images = tf.data.Dataset.range(len(source)).map(load, num_parallel_calls=tf.data.AUTOTUNE)
    return images.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def mirror(boxes, width):
    """Boxes (..., 4) of an image of `width` pixels in its mirror image; padding stays."""
    left, top, right, bottom = tf.unstack(boxes, axis=-1)
    mirrored = tf.stack([width - right, top, width - left, bottom], axis=-1)
    return tf.where(boxes < 0, boxes, mirrored)


def _loader(source, letterbox, normalize):
    """A graph function: index -> (H, W, 3) float32 on the canvas."""
    sizes = tf.constant(fitted_sizes(source.sizes, letterbox))
    if source.images is not None:
        images = tf.constant(source.images)
        return lambda index: fitted(images[index], sizes[index], letterbox, normalize)
    whole = whole_loader(source)
    return lambda index: fitted(whole(index), sizes[index], letterbox, normalize)


def _padded(boxed, letterbox):
    """Boxes (N, M, 4) on the canvas and classes (N, M), float32, crowds left out, padded with -1."""
    objects = [~crowd for crowd in boxed.crowd]
    longest = max(int(keep.sum()) for keep in objects)
    boxes = np.full((len(boxed), longest, 4), -1, np.float32)
    classes = np.full((len(boxed), longest), -1, np.float32)
    for i, keep in enumerate(objects):
        count = int(keep.sum())
        boxes[i, :count] = to_letterbox(boxed.boxes[i][keep], boxed.source.sizes[i], letterbox)
        classes[i, :count] = boxed.classes[i][keep]
    return tf.constant(boxes), tf.constant(classes)
