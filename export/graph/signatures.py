"""The signatures of a SavedModel, each a function from what a client sends to what it gets."""

from collections.abc import Callable

import tensorflow as tf

from byol_keras.augment.crop import central_square
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.losses import l2_normalize

from ..formats.neighbor_index import NeighborIndex

TOP_K = 5  # classes or neighbors given for an image

Embed = Callable[[tf.Tensor], tf.Tensor]  # float32 (B, h, w, C) in [0, 1] -> float32 (B, D)


def serve_images(embed: Embed, resize: Embed, shape: tuple) -> Callable:
    """`serving_default`: embeddings of images as arrays.

    Args:
        embed: images of the encoder's size -> embeddings.
        resize: images of `shape` -> images of the encoder's size.
        shape: (None, H, W, C), H and W None where they are free.

    Returns:
        Function of `images`, uint8, or float32 in [0, 1], that gives `embedding` and `embedding_normalized`, (B, D).
    """

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        # A server feeds whatever a client sends: without this a wrong shape fails deep in the network.
        checked = tf.ensure_shape(images, shape)
        if None in shape[1:3]:
            size = tf.shape(checked)[1:3]
            message = ["images must have a height and a width from 1. Received:", size]
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(size > 0), message)]):
                checked = tf.identity(checked)
        if images.dtype == tf.uint8:
            checked = tf.cast(checked, tf.float32) / 255.0
        else:
            inside = tf.reduce_all((checked >= 0.0) & (checked <= 1.0))
            message = ["images must be in [0, 1]: divide them by 255. Received: a value outside"]
            with tf.control_dependencies([tf.debugging.Assert(inside, message)]):
                checked = tf.identity(checked)
        return _embeddings(embed(resize(checked)))

    return serve


def serve_bytes(embed: Embed, size: int, channels: int) -> Callable:
    """`serve_bytes`: embeddings of encoded images.

    Args:
        embed: images of the encoder's size -> embeddings.
        size, channels: of the encoder's images.

    Returns:
        Function of `image_bytes`, (B,) strings, JPEG or PNG of any size, that gives what `serve_images` does.
    """
    return lambda image_bytes: _embeddings(embed(decoded(image_bytes, size, channels)))


def classify(embed: Embed, size: int, channels: int, head: LinearHead) -> Callable:
    """`classify`: the most probable classes of encoded images.

    Args:
        embed, size, channels: as for `serve_bytes`.
        head: of the K classes.

    Returns:
        Function of `image_bytes`, (B,) strings, that gives `labels` (B, k) string, the most probable first, and
        `scores` (B, k), k <= TOP_K: softmax probabilities over all K classes, so they sum to 1 only when k is K.
    """

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = tf.nn.softmax(tf.matmul(embed(decoded(image_bytes, size, channels)), head.weights) + head.bias)
        best, where = tf.math.top_k(scores, min(TOP_K, len(head.labels)))
        return {"labels": tf.gather(tf.constant(head.labels), where), "scores": best}

    return serve


def neighbors(embed: Embed, size: int, channels: int, index: NeighborIndex) -> Callable:
    """`neighbors`: the most similar of known images.

    Args:
        embed, size, channels: as for `serve_bytes`.
        index: the known images.

    Returns:
        Function of `image_bytes`, (B,) strings, that gives `names` (B, k) string, the most similar first, and
        `similarities` (B, k), the cosines, from -1 to 1; k <= TOP_K.
    """
    known = l2_normalize(tf.constant(index.embeddings)).numpy()

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        normalized = l2_normalize(embed(decoded(image_bytes, size, channels)))
        similarities = tf.matmul(normalized, known, transpose_b=True)
        best, where = tf.math.top_k(similarities, min(TOP_K, len(index.names)))
        return {"names": tf.gather(tf.constant(index.names), where), "similarities": best}

    return serve


def decoded(image_bytes: tf.Tensor, size: int, channels: int) -> tf.Tensor:
    """Images of their files, cropped and resized as in evaluation.

    As `data.decode` does it: JPEG by the exact transform, of 16 bits the high byte is used, what is transparent is
    blended with white, EXIF orientation is ignored. CMYK is the one exception: TensorFlow cannot decode it. The call
    fails if one string is neither JPEG nor PNG (the message has its index) or is cut short.

    Args:
        image_bytes: (B,) strings.
        size, channels: of the images wanted.

    Returns:
        (B, size, size, channels) float32 in [0, 1].
    """
    image_bytes = tf.ensure_shape(image_bytes, (None,))

    def one(position: tf.Tensor) -> tf.Tensor:
        encoded = image_bytes[position]
        jpeg = tf.io.is_jpeg(encoded)
        png = tf.equal(tf.strings.substr(encoded, 0, 8), b"\x89PNG\r\n\x1a\n")
        message = ["image_bytes: neither JPEG nor PNG. Received: index", position, "bytes", tf.strings.length(encoded)]
        with tf.control_dependencies([tf.debugging.Assert(jpeg | png, message)]):
            encoded = tf.identity(encoded)
        image = tf.cond(
            jpeg,
            lambda: tf.io.decode_jpeg(encoded, channels=channels, dct_method="INTEGER_ACCURATE"),
            lambda: _png_on_white(encoded, channels),
        )
        image = tf.ensure_shape(image, (None, None, channels))
        # Not by a product of matrices, for which oneDNN prepares and keeps a kernel for each size that comes.
        return central_square(image, size)

    output = tf.TensorSpec((size, size, channels), tf.float32)
    return tf.map_fn(one, tf.range(tf.shape(image_bytes)[0]), fn_output_signature=output)


def _png_on_white(encoded, channels):
    """A PNG, what is transparent blended with white and rounded as `data.rgb.to_rgb` does: (H, W, channels) uint8."""
    with_alpha = tf.io.decode_png(encoded, channels=4)
    color = with_alpha[..., :3] if channels == 3 else tf.io.decode_png(encoded, channels=channels)
    alpha = with_alpha[..., 3:]
    with tf.control_dependencies([with_alpha]):  # which says best what is wrong with a file cut short
        depth = tf.cast(tf.io.decode_raw(tf.strings.substr(encoded, 24, 1), tf.uint8)[0], tf.int32)
    # To a PNG without alpha TensorFlow adds the largest number of its bits, also where the color becomes 8 of them.
    opaque = tf.cast(tf.bitwise.left_shift(1, tf.minimum(depth, 8)) - 1, tf.uint8)

    def blended():
        # All of it fits into 16 bits: 255 * 255 + 127.
        wide_color, wide_alpha = tf.cast(color, tf.uint16), tf.cast(alpha, tf.uint16)
        weighted = wide_color * wide_alpha + 255 * (255 - wide_alpha)
        return tf.cast((weighted + 127) // 255, tf.uint8)

    return tf.cond(tf.reduce_all(alpha == opaque), lambda: color, blended)


def _embeddings(embedding: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"embedding": embedding, "embedding_normalized": l2_normalize(embedding)}
