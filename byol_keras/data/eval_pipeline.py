"""tf.data pipeline for evaluation and embedding: ordered batches of whole images."""

import tensorflow as tf

from ..augment.crop import central_resize, resize
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
    def central_square(index):
        image = load(index)
        height, width = tf.shape(image)[0], tf.shape(image)[1]
        side = tf.minimum(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return resize(image[top : top + side, left : left + side], image_size)

    read = parallel_map(
        tf.data.Dataset.range(len(source)).batch(FILES_PER_CALL),
        lambda indices: tf.map_fn(central_square, indices, fn_output_signature=spec),
    )
    return ahead(read.unbatch().batch(batch_size))
