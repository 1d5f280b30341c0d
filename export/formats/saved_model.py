"""An encoder as a SavedModel that takes the images as they are: uint8, any batch, any size."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.data.decode import pixel_limit
from byol_keras.errors import InputError
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path, check_writable

from ..card.model_card import write_card
from ..card.provenance import file_provenance, value_range_in
from ..encoder import check_dimension, check_maker, encode, image_shape, resize_to_input
from ..graph.archive import trace, write_archive
from ..graph.encoded_images import decoded
from ..graph.inference import inference_graph
from ..graph.signatures import classify, neighbors, serve_bytes, serve_images
from ..serving.warm_up import drawn_image, write_warm_up
from .neighbor_index import NeighborIndex

# Pixels of the image that is drawn for the warm-up where the encoder leaves the size free.
FREE_SIZE = 224


def saved_model(
    encoder: keras.Model,
    path: str | os.PathLike,
    *,
    dtype: str = "uint8",
    image_size: int | None = None,
    head: LinearHead | None = None,
    index: NeighborIndex | None = None,
    examples: np.ndarray | None = None,
    provenance: Mapping | None = None,
    max_pixels: int | None = None,
    strict: bool = False,
) -> Path:
    """Writes `encoder` as a SavedModel that TensorFlow Serving loads.

    The signatures; B is free, 0 included:
    - `serving_default`: `images` (B, H, W, C) -> `embedding` float32 (B, D) and `embedding_normalized`, of length 1.
      Height and width are free if the encoder is square: the images are then cropped and resized as in evaluation.
      An encoder with a free height and width gets them unchanged, one that is not square takes its own size only.
    - `serve_bytes`: `image_bytes` (B,) string, JPEG or PNG, each of its own size -> the same, and `valid` (B,) bool. It
      comes with square encoders of 1 or 3 channels whose `provenance` has no value range, as do the following. What
      cannot be decoded is not valid and gets zeros; so does what has more pixels than `max_pixels`, which is told by
      its header, before it is decoded.
    - `classify`: `image_bytes` -> `labels` string (B, k), the most probable first, `scores` (B, k), k up to 5, `valid`.
    - `neighbors`: `image_bytes` -> `names` string (B, k), the nearest first, `similarities` (B, k), k up to 5, `valid`.

    The weights are constants of the graph, see `inference_graph`: on a CPU that is what makes it quick. Loading
    the folder needs neither Keras nor this package. Where tensorflow-serving-api is installed, it holds requests with
    which TensorFlow Serving warms up.

    Args:
        encoder: keras.Model with one input, images (B, H, W, C) float32 in [0, 1], and one output (B, D). An encoder
            in half precision is exported as its float32 copy.
        path: the folder to create. Its last part is the version, an integer from 1: "serving/encoder/1".
        dtype: of the images that `serving_default` takes: "uint8", a quarter of the bytes on the wire, or "float32", in
            [0, 1]. A signature has one dtype.
        image_size: S, for an encoder that leaves height and width free: its images are then resized as for a square
            one.
        head: with it comes the signature `classify`.
        index: with it comes the signature `neighbors`.
        examples: (N, H, W, C) uint8, real images for the warm-up requests; drawn ones by default.
        provenance: what is known of the encoder, see `provenance_of`; by default what the encoder itself tells. It is
            written to assets.extra/provenance.json, and as a model card to assets.extra/README.md.
        max_pixels: height times width of the largest encoded image that is decoded, from 1; by default that of
            training, `PIL.Image.MAX_IMAGE_PIXELS`.
        strict: whether one encoded image that is not valid fails its call, with a message.

    Returns:
        The path.

    Raises:
        InputError: if the path has no version number, exists already or cannot be written, if the encoder has other
            inputs and outputs, if an argument is wrong or does not fit the encoder, or if the disk is full.

    Example:
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        bk.export.saved_model(encoder, "serving/encoder/1")
    """
    path = Path(path)
    check_version(path)
    check_writable(path)
    if dtype not in ("uint8", "float32"):
        raise InputError(f'saved_model: dtype is "uint8" or "float32". Received: dtype={dtype!r}')
    height, width, channels = _served_shape(encoder, image_size)
    ends = value_range_in(provenance)
    decodes = height is not None and height == width and channels in (1, 3) and ends is None
    if not decodes and (head is not None or index is not None):
        others = "" if ends is None else f", values from {ends[0]:g} to {ends[1]:g}"
        raise InputError(
            "saved_model: head and index need an encoder of square images with 1 or 3 channels, or image_size, and "
            "without a value range: they take JPEG and PNG. "
            f"Received: encoder={encoder.name} for ({height}, {width}, {channels}){others}"
        )
    if ends is not None or channels not in (1, 3):
        takes = f"{channels} channels" if ends is None else f"values from {ends[0]:g} to {ends[1]:g}"
        print(
            f"{path}: there is no `serve_bytes`, which decodes JPEG and PNG to 8 bits, gray or RGB. This encoder takes "
            f"{takes}: send `serving_default` arrays, in [0, 1].",
            file=sys.stderr,
        )
    if max_pixels is not None and (type(max_pixels) is not int or max_pixels < 1):
        raise InputError(f"saved_model: max_pixels is a whole number from 1. Received: max_pixels={max_pixels!r}")
    if examples is not None:
        _check_examples(examples, height, width, channels)
    for argument, part in (("head", head), ("index", index)):
        if part is not None:
            check_maker(argument, part.encoder, encoder)
    facts = file_provenance(encoder, provenance, head, index, image_size)
    encoder = cast_model(encoder, "float32")
    spec = tf.TensorSpec((None, height, width, channels))
    core = inference_graph(encoder, lambda images: encode(encoder, images), spec)
    embed = _of_any_batch(core, spec.shape)
    dimension = core.outputs[0].shape[1]

    shape = (None, *((None, None) if height == width else (height, width)), channels)
    images = tf.TensorSpec(shape, dtype, name="images")
    strings = tf.TensorSpec((None,), tf.string, name="image_bytes")
    serve = serve_images(embed, lambda batch: resize_to_input(batch, height, width), shape)
    signatures = {"serving_default": trace(serve, images)}
    limit = max_pixels or pixel_limit()

    def decode(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return decoded(image_bytes, height, channels, limit, strict)

    if decodes:
        signatures["serve_bytes"] = trace(serve_bytes(embed, decode), strings)
    if head is not None:
        check_dimension("head", head.weights.shape[0], dimension)
        signatures["classify"] = trace(classify(embed, decode, head), strings)
    if index is not None:
        check_dimension("index", index.embeddings.shape[1], dimension)
        signatures["neighbors"] = trace(neighbors(embed, decode, index), strings)
    if examples is None:
        examples = drawn_image(height or FREE_SIZE, width or FREE_SIZE, channels)
    with atomic_path(path) as target:
        write_archive(core.graph.variables, signatures, target)
        write_warm_up(target, path.parent.name, signatures, examples)
        write_card(target, facts)
    return path


def next_version(folder: str | os.PathLike) -> int:
    """The version after the highest one in a folder.

    Args:
        folder: of one model's versions, such as "serving/encoder"; need not exist.

    Returns:
        From 1 on.

    Raises:
        InputError: if `folder` is a file.

    Example:
        bk.export.saved_model(encoder, f"serving/encoder/{bk.export.next_version('serving/encoder')}")
    """
    folder = Path(folder)
    if not folder.exists():
        return 1
    if not folder.is_dir():
        raise InputError(f"The folder of the versions is a file. Choose another. Received: folder={folder}")
    return 1 + max((int(entry.name) for entry in folder.iterdir() if _is_version(entry.name)), default=0)


def _served_shape(encoder: keras.Model, image_size: int | None) -> tuple[int | None, int | None, int]:
    """Height, width and channels of the images that the network gets."""
    height, width, channels = image_shape(encoder)
    if image_size is None:
        return height, width, channels
    if (height, width) not in ((None, None), (image_size, image_size)) or image_size < 1:
        raise InputError(
            "saved_model: image_size is for an encoder with a free height and width. "
            f"Received: image_size={image_size!r}, encoder={encoder.name} for {height} by {width}"
        )
    return image_size, image_size, channels


def _of_any_batch(core: Callable, shape: tf.TensorShape) -> Callable:
    """`core` for images of `shape`, its batch 0 included."""
    _, height, width, channels = shape

    def embed(images: tf.Tensor) -> tf.Tensor:
        # oneDNN's convolutions fail on an empty batch: it gets one black image, whose embedding is cut off.
        count = tf.shape(images)[0]
        images = tf.pad(images, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        if height is not None and width is not None:
            # TensorFlow takes a residual sum into a convolution only where it knows both to be of one size.
            images = tf.reshape(images, [-1, height, width, channels])
        return tf.nest.flatten(core(images))[0][:count]

    return embed


def check_version(path: Path) -> None:
    """Raises InputError unless the last part of `path` is a version for TensorFlow Serving that does not exist yet.

    Args:
        path: of the SavedModel to be.
    """
    if not _is_version(path.name):
        raise InputError(
            "The last part of a SavedModel's path must be its version, an integer from 1, because TensorFlow Serving "
            f"looks for it. Write for example {path / '1'}. Received: path={path}"
        )
    if os.path.lexists(path):
        raise InputError(
            f"This version exists already, and a server may be using it. The next free one is "
            f"{path.parent / str(next_version(path.parent))}. Received: path={path}"
        )


def _check_examples(examples: np.ndarray, height: int | None, width: int | None, channels: int) -> None:
    """Raises InputError unless these are uint8 images (N, H, W, C), N from 1, that the encoder can take."""
    shape, dtype = np.shape(examples), getattr(examples, "dtype", None)
    fits = len(shape) == 4 and shape[0] and shape[3] == channels
    if dtype != np.uint8 or not fits or (height != width and shape[1:3] != (height, width)):
        raise InputError(
            f"saved_model: examples are uint8 images (N, H, W, {channels}), N from 1. Received: {dtype} {shape}"
        )


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")
