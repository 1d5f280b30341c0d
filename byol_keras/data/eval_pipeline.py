"""tf.data pipeline for evaluation and embedding: ordered batches of whole images."""

import tensorflow as tf

from ..augment.crop import central_resize, central_square
from ..augment.layout import to_unit_range
from ..utils.pipeline import ahead, parallel_map
from .images import ImageSource
from .loading import FILES_PER_CALL, whole_loader


def ordered_batches(source: ImageSource, image_size: int, batch_size: int = 256) -> tf.data.Dataset:
    """Batches in the order of `source`, for embedding: the central square, resized.

    Args:
        source: `ImageSource`.
        image_size: int, S.
        batch_size: int, B; the last batch may have fewer.

    Returns:
        tf.data.Dataset of (B, S, S, C) float32 in [0, 1].
    """
    if source.images is not None:
        batches = tf.data.Dataset.from_tensor_slices(source.images).batch(batch_size)
        return parallel_map(batches, lambda images: central_resize(to_unit_range(images), image_size))

    load = whole_loader(source)
    spec = tf.TensorSpec([image_size, image_size, source.channels])

    # One by one, because the images have sizes of their own.
    def square(index):
        return central_square(load(index), image_size)

    read = parallel_map(
        tf.data.Dataset.range(len(source)).batch(FILES_PER_CALL),
        lambda indices: tf.map_fn(square, indices, fn_output_signature=spec),
    )
    return ahead(read.unbatch().batch(batch_size))
