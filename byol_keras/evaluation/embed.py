"""Images to vectors."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ..data.channels import with_channels
from ..data.eval_pipeline import ordered_batches
from ..data.images import ImageSource
from ..data.lost_files import naming_lost_files
from ..errors import InputError
from ..kernels import fast_layers
from ..precision import cast_model, dtype_policy
from ..utils.progress import Shown, progress
from .collapse import check_embeddings


def embed(
    encoder: keras.Model,
    source: ImageSource,
    batch_size: int = 256,
    precision: str = "float32",
    shown: Shown = progress,
) -> np.ndarray:
    """Embeds every image with the encoder in inference mode.

    Says on standard error where different images get one embedding, which those of a collapsed encoder do.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        source: `ImageSource`, N of them; each is cut to its central square and resized to S. For an encoder of gray
            images they are made gray, and gray ones three equal channels for one of color images.
        batch_size: int.
        precision: "float32"; "bfloat16", several times quicker where the machine multiplies in it, for embeddings that
            differ by about a hundredth of their size; or "auto", see `precision.dtype_policy`.
        shown: shows how far it is: by a bar of its own, or as a part of another, `utils.progress.Progress.up_to`.

    Returns:
        (N, D) float32 NumPy array, in the order of `source`.

    Raises:
        InputError: when the encoder does not take squares of one size, the images cannot have as many channels as
            it takes, files of the source have been deleted or damaged since it was opened, for a precision that
            there is not, or when an embedding is not finite.

    Example:
        source = bk.data.open_source("photos")
        vectors = bk.evaluation.embed(encoder, source)
    """
    source = as_taken(encoder, source)
    vectors = embedder(encoder, batch_size, precision)(source, shown)
    check_embeddings(vectors, source, encoder.input_shape[1])
    return vectors


def embedder(
    encoder: keras.Model, batch_size: int = 256, precision: str = "float32"
) -> Callable[[ImageSource, Shown], np.ndarray]:
    """`embed` for one source after the other: what takes time at its start is done once, here.

    Args:
        encoder, batch_size, precision: as for `embed`.

    Returns:
        Function of a source that `as_taken` gave, and of what shows how far it is. It gives (N, D) float32,
        which nobody has looked at yet, see `collapse.check_embeddings`.
    """
    size = encoder.input_shape[1]
    if dtype_policy(precision) == "mixed_bfloat16":
        encoder = cast_model(encoder, "bfloat16")
    forward = inference(encoder)

    def vectors_of(source: ImageSource, shown: Shown = progress) -> np.ndarray:
        total = -(-len(source) // batch_size)
        batches = shown(ordered_batches(source, size, batch_size), total, "Embedding")
        with naming_lost_files(source):
            return np.concatenate([np.asarray(forward(batch), np.float32) for batch in batches])

    return vectors_of


def as_taken(encoder: keras.Model, source: ImageSource) -> ImageSource:
    """A source with as many channels as an encoder takes, see `with_channels`.

    Raises:
        InputError: where the encoder does not take squares of one size, or the images cannot have as many channels.
    """
    _, size, width, channels = encoder.input_shape
    if size is None or size != width:
        raise InputError(
            f"Images are embedded as squares of one size: build the encoder {encoder.name!r} for one. "
            f"Received: input {encoder.input_shape}"
        )
    return with_channels(source, channels)


def inference(encoder: keras.Model) -> Callable:
    """A model in inference mode as one compiled function: (B, S, S, C) float32 -> what the model gives, any B."""
    with fast_layers(encoder):
        forward = tf.function(lambda images: encoder(images, training=False), autograph=False)
        return forward.get_concrete_function(tf.TensorSpec((None, *encoder.input_shape[1:])))
