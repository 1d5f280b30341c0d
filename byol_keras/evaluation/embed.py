"""Images to vectors."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ..data.channels import with_channels
from ..data.eval_pipeline import ordered_batches
from ..data.images import ImageSource
from ..data.lost_files import naming_lost_files
from ..data.recordings import with_rate
from ..errors import InputError
from ..kernels import fast_layers
from ..models.log_mel import MEL_BANDS
from ..models.mel_input import mel_rate
from ..precision import cast_model, dtype_policy
from ..utils.progress import Shown, progress
from .collapse import check_embeddings


def embed(
    encoder: keras.Model,
    source: ImageSource,
    batch_size: int = 256,
    precision: str | None = "float32",
    shown: Shown = progress,
) -> np.ndarray:
    """Embeds every image with the encoder in inference mode.

    Says on standard error where different images get one embedding, which those of a collapsed encoder do.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        source: `ImageSource`, N of them; each is cut to its central square and resized to S. For an encoder of gray
            images they are made gray, and gray ones three equal channels for one of color images. Of recordings, for an
            encoder (B, 64, frames, 1), the middle frames are taken, at its sample rate.
        batch_size: int.
        precision: "float32"; "bfloat16", several times quicker where the machine multiplies in it, for embeddings that
            differ by about a hundredth of their size; "auto", see `precision.dtype_policy`; or None, as the encoder
            is, which may be that of a model in training.
        shown: shows how far it is: by a bar of its own, or as a part of another, `utils.progress.Progress.up_to`.

    Returns:
        (N, D) float32 NumPy array, in the order of `source`.

    Raises:
        InputError: when the encoder does not take square images of one size, or takes recordings and these are images
            or the other way round, the images cannot have as many channels as it takes, files of the source have been
            deleted or damaged since it was opened, for another precision, or one that the encoder cannot be copied to,
            or when an embedding is not finite.

    Example:
        source = bk.data.open_source("photos")
        vectors = bk.evaluation.embed(encoder, source)
    """
    source = as_taken(encoder, source)
    vectors = embedder(encoder, batch_size, precision)(source, shown)
    check_embeddings(vectors, source, taken_size(encoder, source))
    return vectors


def embedder(
    encoder: keras.Model, batch_size: int = 256, precision: str | None = "float32"
) -> Callable[[ImageSource, Shown], np.ndarray]:
    """`embed` for one source after the other: what takes time at its start is done once, here.

    Args:
        encoder, batch_size, precision: as for `embed`.

    Returns:
        Function of a source that `as_taken` gave, and of what shows how far it is. It gives (N, D) float32,
        which nobody has looked at yet, see `collapse.check_embeddings`.
    """
    if precision is not None:
        encoder = cast_model(encoder, dtype_policy(precision).removeprefix("mixed_"))
    forward = inference(encoder)

    def vectors_of(source: ImageSource, shown: Shown = progress) -> np.ndarray:
        total, size = -(-len(source) // batch_size), taken_size(encoder, source)
        batches = shown(ordered_batches(source, size, batch_size), total, "Embedding")
        with naming_lost_files(source):
            return np.concatenate([np.asarray(forward(batch), np.float32) for batch in batches])

    return vectors_of


def as_taken(encoder: keras.Model, source: ImageSource) -> ImageSource:
    """A source with as many channels as an encoder takes, see `with_channels`, or at its sample rate.

    Raises:
        InputError: where the encoder does not take squares of one size, or the images cannot have as many channels;
            where one is of recordings and the other of images.
    """
    shape, rate = encoder.input_shape, mel_rate(encoder)
    if source.sample_rate is not None:
        if len(shape) != 4 or (shape[1], shape[3]) != (MEL_BANDS, 1) or shape[2] is None:
            raise InputError(
                f"These are recordings, and the encoder {encoder.name!r} takes images: recordings need one for "
                f"spectrograms, ({MEL_BANDS}, frames, 1). Received: input {shape}"
            )
        source = source if rate is None else with_rate(source, rate)
        if source.images.shape[2] < min(shape[2], int(source.sizes[:, 1].max())):
            raise InputError(
                f"The encoder {encoder.name!r} hears {shape[2]} frames of a recording, and of so many recordings "
                f"{source.images.shape[2]} fit into memory: give fewer at once. Received: {len(source):,} recordings"
            )
        return source
    if rate is not None:
        raise InputError(f"The encoder {encoder.name!r} takes recordings, and these are images: give .wav files.")
    if len(shape) != 4 or shape[1] is None or shape[1] != shape[2]:
        raise InputError(
            f"Images are embedded as squares of one size: build the encoder {encoder.name!r} for one. What are no "
            f"images, BYOL.predict embeds. Received: input {shape}"
        )
    return with_channels(source, shape[3])


def taken_size(encoder: keras.Model, source: ImageSource) -> int | tuple[int, int]:
    """The size in which `ordered_batches` gives an encoder what `as_taken` gave."""
    return encoder.input_shape[1] if source.sample_rate is None else tuple(encoder.input_shape[1:3])


def inference(encoder: keras.Model) -> Callable:
    """A model in inference mode as one compiled function: (B, S, S, C) float32 -> what the model gives, any B."""
    with fast_layers(encoder):
        forward = tf.function(lambda images: encoder(images, training=False), autograph=False)
        return forward.get_concrete_function(tf.TensorSpec((None, *encoder.input_shape[1:])))
