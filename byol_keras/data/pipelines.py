"""tf.data pipelines: shuffled batches of two views for training, ordered batches for embedding.

Nothing here has a state. The pictures and the seeds of a batch follow from the run's seed and the step's number, so
that training taken up at step k sees what it would have seen.
"""

import tensorflow as tf

from ..augment.crop import central_resize, flip, random_crop, resize, sample_boxes
from ..augment.draws import split, uniform
from ..augment.pixels import to_unit_range
from ..augment.view import VIEW_1
from ..errors import InputError
from .loading import crop_loader, whole_loader


def steps_per_epoch(pictures, batch_size):
    """Whole batches in one pass over `pictures`; the rest is left out, another rest each epoch.

    Raises:
        InputError: when there are fewer pictures than one batch needs.
    """
    if batch_size < 2:
        raise InputError(f"Batch normalization needs batches of at least 2. Received: batch_size={batch_size}")
    return _whole_batches(pictures, batch_size)


def two_view_batches(pictures, views, batch_size, total_steps, seed, first_step=0, shuffle=True):
    """Batches of two views, for `BYOL.fit`.

    Args:
        pictures: `Pictures`, N of them.
        views: `TwoViews`.
        batch_size: int, B, at most N.
        total_steps: int, steps in all of training.
        seed: int.
        first_step: int, the step to begin with, when training is taken up again.
        shuffle: whether each epoch has an order of its own, or that of `pictures`.

    Returns:
        tf.data.Dataset of ((view_1, view_2),), each (B, S, S, C) float32 in [0, 1], total_steps - first_step elements.
    """
    seeds = _seeds(seed)
    steps = tf.data.Dataset.range(first_step, total_steps)
    if pictures.images is not None:
        gather = _gatherer(pictures, batch_size, seed, shuffle)

        def from_memory(step):
            images, _ = gather(step)
            return (views(images, seed=seeds(step)),)

        return _mapped(steps, from_memory)

    crops = _crops(pictures, views.image_size, (views.view_1, views.view_2), batch_size, seed, steps, shuffle)

    def from_files(step, crops):
        crop_1, crop_2, _ = crops
        return (views.distort(crop_1, crop_2, seed=seeds(step)),)

    return _mapped(tf.data.Dataset.zip(steps, crops), from_files)


def labelled_batches(pictures, image_size, batch_size, total_steps, seed):
    """Shuffled batches of randomly cropped and flipped pictures with their labels, to train classifiers on.

    Args:
        pictures: labelled `Pictures`.
        image_size: int, S.
        batch_size, total_steps, seed: as for `two_view_batches`.

    Returns:
        tf.data.Dataset of (images (B, S, S, C) float32 in [0, 1], labels (B,) int64).
    """
    seeds = _seeds(seed)
    steps = tf.data.Dataset.range(total_steps)

    def mirrored(images, flip_seed):
        return flip(images, uniform([batch_size], flip_seed) < VIEW_1["flip"])

    if pictures.images is not None:
        gather = _gatherer(pictures, batch_size, seed, shuffle=True)

        def from_memory(step):
            images, labels = gather(step)
            crop_seed, flip_seed = split(seeds(step), 2)
            area, aspect = VIEW_1["crop_area"], VIEW_1["crop_aspect"]
            return mirrored(random_crop(to_unit_range(images), image_size, area, aspect, crop_seed), flip_seed), labels

        return _mapped(steps, from_memory)

    crops = _crops(pictures, image_size, (VIEW_1,), batch_size, seed, steps, shuffle=True)

    def from_files(step, crops):
        crop, labels = crops
        return mirrored(crop, seeds(step)), labels

    return _mapped(tf.data.Dataset.zip(steps, crops), from_files)


def ordered_batches(pictures, image_size, batch_size=256):
    """Batches in the order of `pictures`, for embedding: the central square, resized.

    Args:
        pictures: `Pictures`.
        image_size: int, S.
        batch_size: int.

    Returns:
        tf.data.Dataset of (B, S, S, C) float32 in [0, 1].
    """

    if pictures.images is not None:
        batches = tf.data.Dataset.from_tensor_slices(pictures.images).batch(batch_size)
        return _mapped(batches, lambda images: central_resize(to_unit_range(images), image_size))

    load = whole_loader(pictures)

    def central_square(index):
        image = load(index)
        height, width = tf.shape(image)[0], tf.shape(image)[1]
        side = tf.minimum(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return resize(image[top : top + side, left : left + side], image_size)

    # One by one, because the pictures have sizes of their own.
    return _mapped(tf.data.Dataset.range(len(pictures)), central_square).batch(batch_size)


def _mapped(dataset, function):
    return dataset.map(function, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _seeds(seed):
    """A function: number -> the (2,) seed that belongs to it."""
    return lambda number: tf.stack([tf.constant(seed, tf.int64), number])


def _whole_batches(pictures, batch_size):
    if len(pictures) < batch_size:
        raise InputError(
            f"A batch of {batch_size} is larger than the data, {len(pictures)} pictures: "
            "give more pictures or a smaller --batch-size."
        )
    return len(pictures) // batch_size


def _order(pictures, batch_size, seed, shuffle):
    """A function: step -> (B,) indices of its pictures, every epoch in an order of its own."""
    epoch_steps, seeds = _whole_batches(pictures, batch_size), _seeds(seed)

    def indices(step):
        epoch, place = step // epoch_steps, step % epoch_steps * batch_size + tf.range(batch_size, dtype=tf.int64)
        if not shuffle:
            return place
        return tf.random.experimental.index_shuffle(place, seeds(epoch), tf.constant(len(pictures) - 1, tf.int64))

    return indices


def _labels(pictures):
    return tf.constant(pictures.labels if pictures.labels is not None else [-1] * len(pictures), tf.int64)


def _gatherer(pictures, batch_size, seed, shuffle):
    """A function: step -> (images (B, H, W, C) uint8, labels (B,))."""
    images, labels, order = tf.constant(pictures.images), _labels(pictures), _order(pictures, batch_size, seed, shuffle)

    def gather(step):
        indices = order(step)
        return tf.gather(images, indices), tf.gather(labels, indices)

    return gather


def _crops(pictures, image_size, views, batch_size, seed, steps, shuffle):
    """Batches of (one crop for each of `views` ..., labels), the crops (B, S, S, 3) float32 in [0, 1]."""
    load, labels = crop_loader(pictures, image_size), _labels(pictures)
    order, seeds = _order(pictures, batch_size, seed, shuffle), _seeds(seed)
    sizes = tf.constant(pictures.sizes, tf.int32)

    def batch(step):
        indices = order(step)
        height, width = tf.unstack(tf.gather(sizes, indices), axis=1)
        # Numbers below 0 are no step's, so the boxes do not share their seed with the rest of a view.
        boxes = [
            sample_boxes(height, width, view["crop_area"], view["crop_aspect"], box_seed)
            for view, box_seed in zip(views, split(seeds(-1 - step), len(views)), strict=True)
        ]
        return indices, tf.stack(boxes, axis=1)

    def crops(index, boxes):
        return *load(index, boxes), labels[index]

    return _mapped(steps.map(batch).unbatch(), crops).batch(batch_size)
