"""What every format asks of an encoder: the shape of its images, its embeddings, images in the size that it takes."""

import sys

import keras
import tensorflow as tf

from byol_keras.augment.crop import central_resize
from byol_keras.augment.layout import to_unit_range
from byol_keras.errors import InputError
from byol_keras.models.fingerprint import SHOWN, fingerprint


def image_shape(encoder: keras.Model) -> tuple[int | None, int | None, int]:
    """The shape of an encoder's images.

    Args:
        encoder: keras.Model that is built.

    Returns:
        Height and width, None where they are free, and the number of channels.

    Raises:
        InputError: if the encoder takes anything but one batch of images (B, H, W, C) with known C.
    """
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


def encode(encoder: keras.Model, images: tf.Tensor) -> tf.Tensor:
    """Embeddings of images, in inference mode.

    Args:
        encoder: keras.Model.
        images: (B, H, W, C) float32 in [0, 1], of the encoder's size.

    Returns:
        (B, D) float32.

    Raises:
        InputError: if the encoder gives anything else than one vector per image.
    """
    embedding = encoder(images, training=False)
    shape = getattr(embedding, "shape", None)
    if shape is None or len(shape) != 2:
        raise InputError(
            "An encoder to export gives one embedding (B, D); end it with a pooling or Flatten layer. "
            f"Received: encoder={encoder.name} with output {shape if shape is not None else type(embedding).__name__}"
        )
    return tf.cast(embedding, tf.float32)


def resize_to_input(images: tf.Tensor, height: int | None, width: int | None) -> tf.Tensor:
    """Images in the size that an encoder takes.

    Args:
        images: (B, h, w, C) float32 in [0, 1], or uint8.
        height, width: of the encoder's images, None where they are free.

    Returns:
        (B, height, width, C) float32. For a square encoder the central square of the shorter side, resized as in
        evaluation. For any other the images as they are. Of uint8 images only what is resized is made float.

    Raises:
        InputError: if the encoder is not square and the images have another size than it takes.
    """
    if height is not None and height == width:
        # Resizing to the size that is there already would change nothing, and take time.
        sized = tf.reduce_all(tf.shape(images)[1:3] == height)
        return tf.cond(sized, lambda: to_unit_range(images), lambda: central_resize(images, height))
    if not images.shape[1:3].is_compatible_with((height, width)):
        raise InputError(
            f"An encoder that is not square takes images of its own size only, {height} by {width}. "
            f"Received: images {tuple(images.shape)}"
        )
    return to_unit_range(images)


def check_maker(argument: str, made_by: str | None, encoder: keras.Model) -> None:
    """Checks that a head or an index was made from embeddings of this encoder; says so on stderr where nobody knows.

    Args:
        argument: its name, for the message: "head" or "index".
        made_by: the fingerprint that it has of an encoder, None where it has none: it may be older than fingerprints.
        encoder: that it is exported with.

    Raises:
        InputError: if that is another one.
    """
    if made_by is None:
        print(
            f"export: the {argument} does not say which encoder its embeddings are of: only their width is compared.",
            file=sys.stderr,
        )
    elif made_by != (own := fingerprint(encoder)):
        raise InputError(
            f"export: the {argument} was made from embeddings of another encoder: make it anew with this one, or "
            f"export that. Received: {argument} of encoder {made_by[:SHOWN]}, this is {own[:SHOWN]}"
        )


def check_dimension(argument: str, given: int, dimension: int) -> None:
    """Raises InputError unless a head or an index was made from embeddings of this encoder's size.

    Args:
        argument: its name, for the message: "head" or "index".
        given: dimension of the embeddings that it was made from.
        dimension: of the encoder's embeddings.
    """
    if given != dimension:
        raise InputError(
            f"export: the {argument} was made from embeddings of another encoder. "
            f"Received: {argument} for {given} dimensions, the encoder gives {dimension}"
        )
