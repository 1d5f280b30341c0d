"""Images turned as their EXIF orientation says, in a graph, and boxes of them where they lie in the file.

The eight orientations, by what makes an image stand upright that is stored in it: first its rows are reversed (3, 4,
6, 7), then its columns (2, 3, 7, 8), then rows and columns change places (5 to 8). EXIF 2.32, tag 0x0112.
"""

import tensorflow as tf

from .crop import central_box, cut, resize
from .layout import to_unit_range

UPRIGHT = 1


def upright(image: tf.Tensor, orientation: tf.Tensor | int) -> tf.Tensor:
    """An image as it is to be looked at.

    Args:
        image: (H, W, C) of any type, as stored.
        orientation: () int32, 1 to 8.

    Returns:
        (H, W, C), or (W, H, C) for the orientations from 5 on.
    """

    def turned():
        rows, columns, swapped = _changes(orientation)
        reversed_image = tf.raw_ops.Reverse(tensor=image, dims=tf.stack([rows, columns, tf.constant(False)]))
        return tf.transpose(reversed_image, tf.where(swapped, [1, 0, 2], [0, 1, 2]))

    # Reversing nothing would still copy.
    return tf.cond(tf.equal(orientation, UPRIGHT), lambda: image, turned)


def stored_box(box: tf.Tensor, orientation: tf.Tensor | int, size: tf.Tensor) -> tf.Tensor:
    """Where a box of the upright image lies in the stored one.

    Args:
        box: (4,) int32: top, left, height, width, in the upright image.
        orientation: () int32, 1 to 8.
        size: (2,) int32, height and width of the upright image.

    Returns:
        (4,) int32, likewise.
    """
    rows, columns, swapped = _changes(orientation)
    box = tf.gather(box, tf.where(swapped, [1, 0, 3, 2], [0, 1, 2, 3]))
    from_other_end = tf.where(swapped, tf.reverse(size, [0]), size) - box[:2] - box[2:]
    return tf.concat([tf.where(tf.stack([rows, columns]), from_other_end, box[:2]), box[2:]], axis=0)


def square_box(image: tf.Tensor, orientation: tf.Tensor | int) -> tf.Tensor:
    """Where the largest square in the middle of the upright image lies in the stored one.

    Args:
        image: (H, W, C), as stored.
        orientation: () int32, 1 to 8.

    Returns:
        (4,) int32: top, left, height, width.
    """
    size = tf.shape(image)[:2]
    size = tf.where(_changes(orientation)[2], tf.reverse(size, [0]), size)
    return stored_box(central_box(size[0], size[1]), orientation, size)


def upright_square(image: tf.Tensor, orientation: tf.Tensor | int, image_size: int) -> tf.Tensor:
    """The largest square in the middle of the upright image, cut out and resized before it is turned.

    Args:
        image: (H, W, C) uint8 or float32, as stored.
        orientation: () int32, 1 to 8.
        image_size: int, S.

    Returns:
        (S, S, C) float32 in [0, 1].
    """
    square = cut(image, square_box(image, orientation))
    # Resizing one of that size would change nothing, and takes twice as long as decoding it.
    sized = tf.cond(
        tf.equal(tf.shape(square)[0], image_size),
        lambda: to_unit_range(tf.ensure_shape(square, [image_size, image_size, image.shape[-1]])),
        lambda: resize(square, image_size),
    )
    return upright(sized, orientation)


def _changes(orientation):
    """Whether the rows of the stored image are reversed, its columns, and whether both change places: () bool each."""
    orientation = tf.convert_to_tensor(orientation)
    rows, columns = (tf.reduce_any(orientation == chosen) for chosen in ([3, 4, 6, 7], [2, 3, 7, 8]))
    return rows, columns, orientation >= 5
