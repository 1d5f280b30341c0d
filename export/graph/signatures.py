"""The signatures of a SavedModel, each a function from what a client sends to what it gets."""

from collections.abc import Callable

import tensorflow as tf

from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.losses import l2_normalize

from ..formats.neighbor_index import NeighborIndex

TOP_K = 5  # classes or neighbors given for an image

Embed = Callable[[tf.Tensor], tf.Tensor]  # float32 (B, h, w, C) in [0, 1] -> float32 (B, D)
Decode = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # see `encoded_images.decoded`: its images and `valid`


def serve_images(embed: Embed, resize: Embed, shape: tuple) -> Callable:
    """`serving_default`: embeddings of images as arrays.

    Args:
        embed: images of the encoder's size -> embeddings.
        resize: images of `shape`, as they come -> float32 images of the encoder's size.
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
        if images.dtype != tf.uint8:
            inside = tf.reduce_all((checked >= 0.0) & (checked <= 1.0))
            message = ["images must be in [0, 1]: divide them by 255. Received: a value outside"]
            with tf.control_dependencies([tf.debugging.Assert(inside, message)]):
                checked = tf.identity(checked)
        return _embeddings(embed(resize(checked)))

    return serve


def serve_bytes(embed: Embed, decode: Decode) -> Callable:
    """`serve_bytes`: embeddings of encoded images.

    Args:
        embed: images of the encoder's size -> embeddings.
        decode: strings -> images of the encoder's size, and which of them are valid.

    Returns:
        Function of `image_bytes`, (B,) strings, JPEG or PNG of any size, that gives what `serve_images` does, and
        `valid` (B,) bool. Where an image is not valid its embeddings are zeros.
    """

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, valid = decode(image_bytes)
        return _where_valid(valid, _embeddings(embed(images)))

    return serve


def classify(embed: Embed, decode: Decode, head: LinearHead) -> Callable:
    """`classify`: the most probable classes of encoded images.

    Args:
        embed, decode: as for `serve_bytes`.
        head: of the K classes.

    Returns:
        Function of `image_bytes`, (B,) strings, that gives `labels` (B, k) string, the most probable first, `scores`
        (B, k), k <= TOP_K, and `valid` (B,) bool: softmax probabilities over all K classes, so they sum to 1 only when
        k is K. Where an image is not valid its labels are empty and its scores zeros.
    """

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, valid = decode(image_bytes)
        scores = tf.nn.softmax(tf.matmul(embed(images), head.weights) + head.bias)
        best, where = tf.math.top_k(scores, min(TOP_K, len(head.labels)))
        return _where_valid(valid, {"labels": tf.gather(tf.constant(head.labels), where), "scores": best})

    return serve


def neighbors(embed: Embed, decode: Decode, index: NeighborIndex) -> Callable:
    """`neighbors`: the most similar of known images.

    Args:
        embed, decode: as for `serve_bytes`.
        index: of the known images.

    Returns:
        Function of `image_bytes`, (B,) strings, that gives `names` (B, k) string, the most similar first,
        `similarities` (B, k), the cosines, from -1 to 1, k <= TOP_K, and `valid` (B,) bool. Where an image is not valid
        its names are empty and its similarities zeros.
    """
    known = l2_normalize(tf.constant(index.embeddings)).numpy()

    def serve(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        images, valid = decode(image_bytes)
        similarities = tf.matmul(l2_normalize(embed(images)), known, transpose_b=True)
        best, where = tf.math.top_k(similarities, min(TOP_K, len(index.names)))
        return _where_valid(valid, {"names": tf.gather(tf.constant(index.names), where), "similarities": best})

    return serve


def _embeddings(embedding: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"embedding": embedding, "embedding_normalized": l2_normalize(embedding)}


def _where_valid(valid: tf.Tensor, outputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The outputs (B, n) with nothing in the rows that are not valid, and `valid` itself."""
    nothing = {name: tf.constant("" if value.dtype == tf.string else 0.0) for name, value in outputs.items()}
    return {name: tf.where(valid[:, None], value, nothing[name]) for name, value in outputs.items()} | {"valid": valid}
