"""tf.data pipelines for training: shuffled batches of two views, and of labeled images.

Nothing here has a state. The images and the seeds of a batch follow from the run's seed and the step's number, so
that training resumed at step k sees what it would have seen. Images in memory and encoded ones draw other crops from
one seed, since the crops of the latter are drawn before they are decoded.

Views are made a piece of a batch at a time, and files read several a call: neither number decides anything else.
"""

import tensorflow as tf

from ..augment.crop import crop_resize, flip, random_boxes, sample_boxes
from ..augment.layout import to_unit_range
from ..augment.random import split, uniform
from ..augment.two_views import TwoViews
from ..augment.view import VIEW_1
from ..errors import InputError
from ..utils.array_rows import array_rows
from ..utils.pipeline import parallel_map
from .batch_order import batch_order, numbered_seeds
from .images import ImageSource
from .loading import FILES_PER_CALL, crop_loader, load_each

# The views of so many bytes at a time: larger batches leave the CPU's cache between one pass and the next, which
# made views of 224 pixels take 1.7 times as long.
PIECE_BYTES = 8 * 2**20


def two_view_batches(
    source: ImageSource,
    views: TwoViews,
    batch_size: int,
    total_steps: int,
    seed: int,
    first_step: int = 0,
    shuffle: bool = True,
    input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches of two views, for `BYOL.fit`.

    Args:
        source: `ImageSource`, N of them.
        views: `TwoViews`.
        batch_size: int, B, at most N.
        total_steps: int, steps in all of training.
        seed: int.
        first_step: int, the step to begin with, when training is resumed.
        shuffle: whether each epoch has an order of its own, or that of `source`.
        input_context: of a worker, from `tf.distribute.Strategy.distribute_datasets_from_function`; None for one
            process with one device.

    Returns:
        tf.data.Dataset of ((view_1, view_2),), each (B, S, S, C) float32 in [0, 1], total_steps - first_step elements.
        With a context only this worker's part of each batch is made, B / R images for each of its replicas, where R are
        all; together they are the same batches.

    Raises:
        InputError: when there are fewer images than one batch needs, or R does not divide B.
    """
    begin, count, replicas = _share(batch_size, input_context)
    parts, size = _pieces(count, 4 * source.channels * views.image_size**2)
    order, seeds = batch_order(source, batch_size, seed, shuffle), numbered_seeds(seed)
    pieces = tf.data.Dataset.range(first_step * parts, total_steps * parts)

    def step_and_part(piece):
        """The step a piece belongs to, and which part of its batch it is, see `random.uniform`."""
        return piece // parts, tf.stack([begin + piece % parts * size, batch_size])

    if source.images is not None:
        rows = array_rows(source.images)

        def from_memory(piece):
            step, part = step_and_part(piece)
            indices = tf.gather(order(step), tf.minimum(part[0] + tf.range(size, dtype=tf.int64), batch_size - 1))
            return (views(rows(indices), seed=seeds(step), part=part),)

        made = parallel_map(pieces, from_memory)
    else:
        steps = tf.data.Dataset.range(first_step, total_steps)
        crops = _crops(source, views.image_size, (views.view_1, views.view_2), order, seed, steps, parts, size, begin)

        def from_encoded(piece, crops):
            step, part = step_and_part(piece)
            crop_1, crop_2, _ = crops
            return (views.distort(crop_1, crop_2, seed=seeds(step), part=part),)

        made = parallel_map(tf.data.Dataset.zip(pieces, crops), from_encoded)
    batches = _joined(made, parts, count)
    return batches if replicas == 1 else divided(batches, replicas)


def labeled_batches(
    source: ImageSource, image_size: int, batch_size: int, total_steps: int, seed: int
) -> tf.data.Dataset:
    """Shuffled batches of randomly cropped and flipped images with their labels, to train classifiers on.

    The crops and flips are those of VIEW_1, whatever the encoder was trained with.

    Args:
        source: labeled `ImageSource`.
        image_size: int, S.
        batch_size, total_steps, seed: as for `two_view_batches`.

    Returns:
        tf.data.Dataset of (images (B, S, S, C) float32 in [0, 1], labels (B,) int64), total_steps elements.

    Raises:
        InputError: when there are fewer images than one batch needs.
    """
    order, seeds, labels = batch_order(source, batch_size, seed), numbered_seeds(seed), _labels(source)
    steps = tf.data.Dataset.range(total_steps)

    def mirrored(images, flip_seed):
        return flip(images, uniform([batch_size], flip_seed) < VIEW_1["flip"])

    if source.images is not None:
        rows = array_rows(source.images)

        def from_memory(step):
            indices, (crop_seed, flip_seed) = order(step), split(seeds(step), 2)
            chosen = to_unit_range(rows(indices))
            boxes = random_boxes(chosen, VIEW_1["crop_area"], VIEW_1["crop_aspect"], crop_seed)
            return mirrored(crop_resize(chosen, boxes, image_size), flip_seed), tf.gather(labels, indices)

        return parallel_map(steps, from_memory)

    size = _whole_calls(batch_size)
    crops = _joined(_crops(source, image_size, (VIEW_1,), order, seed, steps, pieces=1, piece_size=size), 1, batch_size)

    def from_encoded(step, crops):
        crop, indices = crops
        return mirrored(crop, seeds(step)), tf.gather(labels, indices)

    return parallel_map(tf.data.Dataset.zip(steps, crops), from_encoded)


def require_equal_parts(batch_size: int, replicas: int) -> None:
    """Raises InputError unless replicas can have equally many images of a batch."""
    if batch_size % replicas:
        raise InputError(
            f"A batch must be whole images for each of {replicas} replicas. Received: batch_size={batch_size}"
        )


def _share(batch_size, input_context):
    """The first image of a batch that this worker makes, how many it makes, and for how many replicas."""
    if input_context is None:
        return 0, batch_size, 1
    replicas, workers = input_context.num_replicas_in_sync, input_context.num_input_pipelines
    require_equal_parts(batch_size, replicas)
    count = batch_size // workers
    return input_context.input_pipeline_id * count, count, replicas // workers


def _pieces(batch_size, image_bytes):
    """In how many pieces a batch is made, and the size of a piece; the last one may reach past the batch.

    A piece fits in PIECE_BYTES and is a whole number of calls of one size that read files.
    """
    parts = _ceil(batch_size, max(1, PIECE_BYTES // image_bytes))
    return parts, _whole_calls(_ceil(batch_size, parts))


def _whole_calls(size):
    """At least `size`: as many images as calls of one size read."""
    calls = _ceil(size, FILES_PER_CALL)
    return _ceil(size, calls) * calls


def _ceil(number, divisor):
    return -(-number // divisor)


def _joined(dataset, count, size):
    """Every `count` elements as one, along the first axis, of which the first `size` rows count."""

    def joined(*tensors):
        return tf.nest.map_structure(lambda tensor: tf.reshape(tensor, [-1, *tensor.shape[2:]])[:size], tensors)

    # Not rebatch, whose slices make some of TensorFlow's operations write a line to stderr each.
    return parallel_map(dataset.batch(count, drop_remainder=True), joined)


def divided(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """Each element of a dataset as `count` ones, along the first axis of its tensors."""

    def parts(tensor):
        return tf.reshape(tensor, [count, tensor.shape[0] // count, *tensor.shape[1:]])

    return parallel_map(batches, lambda *tensors: tf.nest.map_structure(parts, tensors)).unbatch()


def _labels(source):
    return tf.constant(source.labels if source.labels is not None else [-1] * len(source), tf.int64)


def _crops(source, image_size, views, order, seed, steps, pieces, piece_size, begin=0):
    """For each piece of a step, (crops for view 1, ..., indices), crops (piece_size, S, S, C) float32 in [0, 1].

    `views` are dicts such as VIEW_1. The first piece begins with image `begin` of a batch; what reaches past the end of
    a batch is its last image.
    """
    load, seeds, sizes = crop_loader(source, image_size), numbered_seeds(seed), tf.constant(source.sizes, tf.int32)
    calls = _ceil(piece_size, FILES_PER_CALL)
    spec = tuple(tf.TensorSpec([image_size, image_size, source.channels]) for _ in views)

    def boxed(step):
        indices = order(step)
        height, width = tf.unstack(tf.gather(sizes, indices), axis=1)
        # Numbers below 0 are no step's, so the boxes do not share their seed with the rest of a view.
        boxes = [
            sample_boxes(height, width, view["crop_area"], view["crop_aspect"], box_seed)
            for view, box_seed in zip(views, split(seeds(-1 - step), len(views)), strict=True)
        ]
        rows = tf.minimum(begin + tf.range(pieces * piece_size), indices.shape[0] - 1)
        rows = tf.reshape(rows, [pieces * calls, piece_size // calls])
        return tf.gather(indices, rows), tf.gather(tf.stack(boxes, axis=1), rows)

    def crops(indices, boxes):
        return *load_each(source, load, (indices, boxes), spec), indices

    return _joined(parallel_map(steps.map(boxed).unbatch(), crops), calls, piece_size)
