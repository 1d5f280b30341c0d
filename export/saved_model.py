"""Export an encoder as a SavedModel that takes the pictures as they are: uint8, any batch, any size."""

import os
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from byol_keras.atomic import written_beside
from byol_keras.augment.crop import central_resize
from byol_keras.errors import InputError
from byol_keras.float32_copy import float32_copy


def saved_model(encoder: keras.Model, path: str | os.PathLike) -> Path:
    """Write `encoder` as a SavedModel that TensorFlow Serving loads, and return its path.

    encoder: keras.Model with one input, images float32 (B, H, W, C) in [0, 1], and one output (B, D). An encoder in
        half precision is exported as its float32 copy.
    path: the folder to create. Its last part is the version, an integer from 1: "serving/encoder/1".

    The signature `serving_default` takes `images`, uint8 (B, H, W, C), and gives `embedding`, float32 (B, D). B is
    free. Height and width are free too if the encoder is square: the pictures are then cropped and resized as in
    evaluation. An encoder with a free height and width gets them unchanged, one that is not square takes its own
    size only. Loading the folder needs neither Keras nor this package.

    Raises InputError if the path has no version number, exists already or cannot be written, or if the encoder has
    other inputs and outputs.
    """
    path = Path(path)
    check_version(path)
    check_writable(path)
    height, width, channels = image_shape(encoder)
    encoder = float32_copy(encoder)

    def serve(images: tf.Tensor) -> dict[str, tf.Tensor]:
        images = resize(tf.cast(images, tf.float32) / 255.0, height, width)
        return {"embedding": embed(encoder, images)}

    size = (None, None) if height == width else (height, width)
    signature = trace(serve, tf.TensorSpec((None, *size, channels), tf.uint8, name="images"))
    with written_beside(path) as target:
        write(encoder, signature, target)
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
        return central_resize(images, height)
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
    """Write a SavedModel to `folder` with one signature, `serving_default`, that uses the weights of `encoder`.

    Not with keras.export.ExportArchive, which in Keras 3.15 stores every weight twice.
    """
    module = tf.Module()
    module.weights = [variable.value for variable in encoder.variables]
    tf.saved_model.save(module, str(folder), signatures={"serving_default": signature})


def _is_version(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")
