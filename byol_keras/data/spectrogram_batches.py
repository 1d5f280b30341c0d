"""tf.data pipelines of recordings for training: shuffled batches of parts of their spectrograms.

Like `train_pipeline`, without a state. The views are made of them in the model, by `augment.AudioViews`.
"""

import tensorflow as tf

from ..augment.frames import cut_frames
from ..augment.random import uniform
from ..utils.array_rows import array_rows
from ..utils.pipeline import parallel_map
from .batch_order import batch_order, numbered_seeds
from .images import ImageSource
from .train_pipeline import labeled_batches


def spectrogram_batches(
    source: ImageSource,
    frames: int,
    batch_size: int,
    total_steps: int,
    seed: int,
    first_step: int = 0,
    labeled: bool = False,
) -> tf.data.Dataset:
    """Batches of random parts, for a BYOL with `AudioViews` or a classifier.

    Args:
        source: `ImageSource` of recordings, N of them.
        frames: int, W, columns of a part: of a longer recording from a random place on, in which a shorter one lies at
            a random place.
        batch_size: int, B, at most N.
        total_steps: int, steps in all of training.
        seed: int.
        first_step: int, the step to begin with, when training is resumed.
        labeled: whether the labels come with them.

    Returns:
        tf.data.Dataset of (B, 64, W, 1) uint16, or (those / 65535 as float32, labels (B,) int64); total_steps -
        first_step elements.

    Raises:
        InputError: when there are fewer recordings than one batch needs.
    """
    order, seeds, rows = batch_order(source, batch_size, seed), numbered_seeds(seed), array_rows(source.images)
    lengths = tf.constant(source.sizes[:, 1], tf.int32)
    middle = source.images.shape[2] // 2
    labels = tf.constant(source.labels, tf.int64) if labeled else None

    def batch(step):
        indices = order(step)
        # What a recording has beyond the part, or lacks; of what is not held nothing can be a part.
        length = tf.minimum(tf.gather(lengths, indices), 2 * middle)
        room = length - frames
        first = middle - (length + 1) // 2 + tf.minimum(room, 0)
        places = tf.cast(tf.abs(room) + 1, tf.float32)
        parts = cut_frames(
            rows(indices), first + tf.cast(uniform([batch_size], seeds(step)) * places, tf.int32), frames
        )
        parts = tf.ensure_shape(parts, [batch_size, source.images.shape[1], frames, 1])
        if labels is None:
            return parts
        return tf.cast(parts, tf.float32) / 65535.0, tf.gather(labels, indices)

    return parallel_map(tf.data.Dataset.range(first_step, total_steps), batch)


def labeled_inputs(
    source: ImageSource, shape: tuple[int, int], batch_size: int, total_steps: int, seed: int
) -> tf.data.Dataset:
    """Shuffled batches to train classifiers on: crops of images, see `labeled_batches`, or parts of recordings.

    Args:
        source: labeled `ImageSource`.
        shape: (H, W) that the encoder takes.
        batch_size, total_steps, seed: as for `spectrogram_batches`.

    Returns:
        tf.data.Dataset of (inputs (B, H, W, C) float32 in [0, 1], labels (B,) int64), total_steps elements.
    """
    if source.sample_rate is None:
        return labeled_batches(source, shape[0], batch_size, total_steps, seed)
    return spectrogram_batches(source, shape[1], batch_size, total_steps, seed, labeled=True)
