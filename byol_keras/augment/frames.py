"""Parts of spectrograms: columns cut out of them, with silence where there are none."""

import tensorflow as tf

from .layout import to_unit_range


def cut_frames(spectrograms: tf.Tensor, starts: tf.Tensor, frames: int) -> tf.Tensor:
    """`frames` columns of each spectrogram, from a column of its own on.

    Args:
        spectrograms: (B, F, T, C), of any type.
        starts: (B,) int, from any column, before the first or behind the last one too: what is not there is 0, silence.
        frames: int, W.

    Returns:
        (B, F, W, C) of the same type.
    """
    columns = tf.cast(starts, tf.int32)[:, None] + tf.range(frames)
    total = tf.shape(spectrograms)[2]
    there = (columns >= 0) & (columns < total)
    cut = tf.gather(spectrograms, tf.clip_by_value(columns, 0, total - 1), axis=2, batch_dims=1)
    return tf.where(there[:, None, :, None], cut, tf.zeros_like(cut))


def middle_frames(spectrograms: tf.Tensor, frames: int) -> tf.Tensor:
    """What evaluation hears of a spectrogram: the columns in its middle.

    Args:
        spectrograms: (B, F, T, C), uint8, uint16, or float in [0, 1].
        frames: int, W.

    Returns:
        (B, F, W, C) float32 in [0, 1], with silence at both ends where there are fewer.
    """
    start = tf.shape(spectrograms)[2] // 2 - frames // 2
    return to_unit_range(cut_frames(spectrograms, tf.repeat(start, tf.shape(spectrograms)[0]), frames))
