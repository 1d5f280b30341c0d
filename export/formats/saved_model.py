"""Export an encoder as a SavedModel that takes the images as they are: uint8, any batch, any size."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from byol_keras.augment.crop import central_resize
from byol_keras.errors import InputError
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.precision import cast_model
from byol_keras.utils.atomic import atomic_path

from ..graph.inference import inference_graph
from ..graph.signatures import classify, neighbors, serve_bytes, serve_images
from ..serving.warm_up import drawn, write_warm_up
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
) -> Path:
    """Write `encoder` as a SavedModel that TensorFlow Serving loads, and return its path.

    encoder: keras.Model with one input, images float32 (B, H, W, C) in [0, 1], and one output (B, D). An encoder in
        half precision is exported as its float32 copy.
    path: the folder to create. Its last part is the version, an integer from 1: "serving/encoder/1".
    dtype: of the images that `serving_default` takes: "uint8", a quarter of the bytes on the wire, or "float32", in
        [0, 1]. A signature has one dtype.
    image_size: S, for an encoder that leaves height and width free: its images are then resized as for a square one.
    head, index: with them come the signatures `classify` and `neighbors`.
    examples: uint8 (N, H, W, C), real images for the warm-up requests; drawn ones by default.

    The signatures; B is free, 0 included:
    - `serving_default`: `images` (B, H, W, C) -> `embedding` float32 (B, D) and `embedding_normalized`, of length 1.
      Height and width are free if the encoder is square: the images are then cropped and resized as in evaluation.
      An encoder with a free height and width gets them unchanged, one that is not square takes its own size only.
    - `serve_bytes`: `image_bytes` (B,) string, JPEG or PNG of any size, each its own -> the same. It comes with square
      encoders of 1 or 3 channels, as do the following. One string that cannot be decoded fails the whole call.
    - `classify`: `image_bytes` -> `labels` string (B, k), the likeliest first, and `scores` (B, k), k up to 5.
    - `neighbors`: `image_bytes` -> `names` string (B, k), the nearest first, and `similarities` (B, k), k up to 5.

    The weights are constants of the graph, see `inference_graph`: on a CPU that is what makes it quick. Loading
    the folder needs neither Keras nor this package. Where tensorflow-serving-api is installed, it holds requests with
    which TensorFlow Serving warms up.

    Raises InputError if the path has no version number, exists already or cannot be written, if the encoder has other
    inputs and outputs, if an argument is wrong or does not fit the encoder, or if the disk is full.
    """
    path = Path(path)
    check_version(path)
    check_writable(path)
    if dtype not in ("uint8", "float32"):
        raise InputError(f'saved_model: dtype is "uint8" or "float32". Received: dtype={dtype!r}')
    height, width, channels = image_shape(encoder)
    if image_size is not None:
        if (height, width) not in ((None, None), (image_size, image_size)) or image_size < 1:
            raise InputError(
                "saved_model: image_size is for an encoder with a free height and width. "
                f"Received: image_size={image_size!r}, encoder={encoder.name} for {height} by {width}"
            )
        height = width = image_size
    decodes = height is not None and height == width and channels in (1, 3)
    if not decodes and (head is not None or index is not None):
        raise InputError(
            "saved_model: head and index need an encoder of square images with 1 or 3 channels, or image_size. "
            f"Received: encoder={encoder.name} for ({height}, {width}, {channels})"
        )
    if examples is not None:
        check_examples(examples, height, width, channels)
    encoder = cast_model(encoder, "float32")
    spec = tf.TensorSpec((None, height, width, channels))
    core = inference_graph(encoder, lambda images: embed(encoder, images), spec)
    dimensions = core.outputs[0].shape[1]

    def embedded(images: tf.Tensor) -> tf.Tensor:
        # oneDNN's convolutions fail on an empty batch: it gets one black image, whose embedding is cut off.
        count = tf.shape(images)[0]
        images = tf.pad(images, [[0, tf.cast(count == 0, tf.int32)], [0, 0], [0, 0], [0, 0]])
        if height is not None and width is not None:
            # TensorFlow takes a residual sum into a convolution only where it knows both to be of one size.
            images = tf.reshape(images, [-1, height, width, channels])
        return tf.nest.flatten(core(images))[0][:count]

    shape = (None, *((None, None) if height == width else (height, width)), channels)
    images = tf.TensorSpec(shape, dtype, name="images")
    strings = tf.TensorSpec((None,), tf.string, name="image_bytes")
    serve = serve_images(embedded, lambda batch: resize(batch, height, width), shape)
    signatures = {"serving_default": trace(serve, images)}
    if decodes:
        signatures["serve_bytes"] = trace(serve_bytes(embedded, height, channels), strings)
    if head is not None:
        check_dimensions("head", head.weights.shape[0], dimensions)
        signatures["classify"] = trace(classify(embedded, height, channels, head), strings)
    if index is not None:
        check_dimensions("index", index.embeddings.shape[1], dimensions)
        signatures["neighbors"] = trace(neighbors(embedded, height, channels, index), strings)
    if examples is None:
        examples = drawn(height or FREE_SIZE, width or FREE_SIZE, channels)
    try:
        with atomic_path(path) as target:
            write_signatures(core.graph.variables, signatures, target)
            write_warm_up(target, path.parent.name, signatures, examples)
    except tf.errors.ResourceExhaustedError as error:
        raise InputError(f"No space left to write the SavedModel; nothing was kept. Received: path={path}") from error
    return path


def next_version(folder: str | os.PathLike) -> int:
    """The version after the highest one in `folder`, 1 if it has none or does not exist."""
    folder = Path(folder)
    if not folder.exists():
        return 1
    if not folder.is_dir():
        raise InputError(f"The folder of the versions is a file. Choose another. Received: folder={folder}")
    return 1 + max((int(entry.name) for entry in folder.iterdir() if _is_version(entry.name)), default=0)


def check_version(path: Path) -> None:
    """Raise InputError unless the last part of `path` is a version for TensorFlow Serving that does not exist yet."""
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


def check_writable(path: Path) -> None:
    """Raise InputError if nothing can be created at `path`: better now than after the conversion."""
    folder = path.parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"Cannot write: {folder} is not a folder. Choose another path. Received: path={path}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"Cannot write: no permission in {folder}. Choose another path. Received: path={path}")


def image_shape(encoder: keras.Model) -> tuple[int | None, int | None, int]:
    """Height, width (None where free) and channels of the encoder's one image input. InputError if it has another."""
    if not isinstance(encoder, keras.Model):
        raise InputError(f"An encoder to export is a keras.Model. Received: encoder={encoder!r}")
    if getattr(encoder, "inputs", None):
        shapes = [tuple(tensor.shape) for tensor in encoder.inputs]
    else:  # a subclassed model knows only the shape it was built with
        shapes = [tuple((encoder.get_build_config() or {}).get("input_shape") or ())]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] is None:
        raise InputError(
            "An encoder to export takes one batch of images (B, H, W, C) with known C. Build it, or wrap it in one "
            f"that does. Received: encoder={encoder.name} with input shapes {shapes}"
        )
    return shapes[0][1:]


def embed(encoder: keras.Model, images: tf.Tensor) -> tf.Tensor:
    """Embeddings float32 (B, D) of images float32 (B, H, W, C) in [0, 1]. InputError if the output is not (B, D)."""
    embedding = encoder(images, training=False)
    shape = getattr(embedding, "shape", None)
    if shape is None or len(shape) != 2:
        raise InputError(
            "An encoder to export gives one embedding (B, D); end it with a pooling or Flatten layer. "
            f"Received: encoder={encoder.name} with output {shape if shape is not None else type(embedding).__name__}"
        )
    return tf.cast(embedding, tf.float32)


def resize(images: tf.Tensor, height: int | None, width: int | None) -> tf.Tensor:
    """Images float32 (B, h, w, C) in [0, 1] as an encoder for (height, width) wants them.

    For a square encoder the central square of the shorter side, resized as in evaluation. For any other the images
    as they are; InputError if they cannot be its input.
    """
    if height is not None and height == width:
        # Resizing to the size that is there already would change nothing, and take time.
        sized = tf.reduce_all(tf.shape(images)[1:3] == height)
        return tf.cond(sized, lambda: images, lambda: central_resize(images, height))
    if not images.shape[1:3].is_compatible_with((height, width)):
        raise InputError(
            f"An encoder that is not square takes images of its own size only, {height} by {width}. "
            f"Received: images {tuple(images.shape)}"
        )
    return images


def trace(serve: Callable, images: tf.TensorSpec) -> tf.types.experimental.ConcreteFunction:
    """The graph of `serve(images)`."""
    return tf.function(serve, input_signature=[images], autograph=False).get_concrete_function()


def write(encoder: keras.Model, signature: tf.types.experimental.ConcreteFunction, folder: str | Path) -> None:
    """Write a SavedModel to `folder` with one signature, `serving_default`, that uses the weights of `encoder`."""
    write_signatures([variable.value for variable in encoder.variables], {"serving_default": signature}, folder)


def write_signatures(variables: Iterable[tf.Variable], signatures: Mapping[str, Callable], folder: str | Path) -> None:
    """Write a SavedModel with these signatures, which use these variables.

    Not with keras.export.ExportArchive, which in Keras 3.15 stores every weight twice.
    """
    module = tf.Module()
    module.weights = list(variables)
    # A served model is not trained, and TensorFlow cannot save the gradients of a frozen function (swish has its own).
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures=dict(signatures), options=options)


def check_dimensions(what: str, given: int, dimensions: int) -> None:
    """Raise InputError unless a head or an index was made from embeddings of this encoder's size."""
    if given != dimensions:
        raise InputError(
            f"export: the {what} was made from embeddings of another encoder. "
            f"Received: {what} for {given} dimensions, the encoder gives {dimensions}"
        )


def check_examples(examples: np.ndarray, height: int | None, width: int | None, channels: int) -> None:
    """Raise InputError unless these are uint8 images (N, H, W, C), N from 1, that the encoder can take."""
    shape, dtype = np.shape(examples), getattr(examples, "dtype", None)
    fits = len(shape) == 4 and shape[0] and shape[3] == channels
    if dtype != np.uint8 or not fits or (height != width and shape[1:3] != (height, width)):
        raise InputError(
            f"saved_model: examples are uint8 images (N, H, W, {channels}), N from 1. Received: {dtype} {shape}"
        )


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")
