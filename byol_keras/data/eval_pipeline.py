"""tf.data pipeline for evaluation and embedding: ordered batches of whole images."""

import tensorflow as tf

from ..augment.crop import central_resize
from ..augment.frames import middle_frames
from ..utils.array_rows import array_rows
from ..utils.pipeline import ahead, parallel_map
from .images import ImageSource
from .loading import FILES_PER_CALL, load_each, square_loader

FLOAT_BYTES = 64 * 2**20  # of images in memory that are resized by one call


def ordered_batches(source: ImageSource, image_size: int | tuple[int, int], batch_size: int = 256) -> tf.data.Dataset:
    """Batches in the order of `source`, for embedding: the central square, resized, or the middle of recordings.

    Args:
        source: `ImageSource`.
        image_size: int, S; or of recordings (F, W): bands, and the frames that are cut out of their middle.
        batch_size: int, B; the last batch may have fewer.

    Returns:
        tf.data.Dataset of (B, S, S, C), or (B, F, W, 1), float32 in [0, 1].
    """
    if source.images is not None:
        # As floats an image takes four times its memory: of large ones a few at a time.
        few = min(batch_size, max(1, FLOAT_BYTES // (4 * source.images[0].size)))
        rows, batches = array_rows(source.images), tf.data.Dataset.range(len(source)).batch(few)
        sized = central_resize if isinstance(image_size, int) else _middle
        batches = parallel_map(batches, lambda indices: sized(rows(indices), image_size))
        return batches if few >= batch_size else batches.unbatch().batch(batch_size)

    load = square_loader(source, image_size)
    spec = tf.TensorSpec([image_size, image_size, source.channels])

    read = parallel_map(
        tf.data.Dataset.range(len(source)).batch(FILES_PER_CALL),
        lambda indices: load_each(source, load, (indices,), spec),
    )
    return ahead(read.unbatch().batch(batch_size))


def _middle(spectrograms, size):
    return tf.ensure_shape(middle_frames(spectrograms, size[1]), [None, *size, spectrograms.shape[-1]])
