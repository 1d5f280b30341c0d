"""The images from which the int8 converter learns the ranges of the activations."""

import os
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from byol_keras.data.images import evenly
from byol_keras.errors import InputError

from ..encoder import resize_to_input
from ..source_images import open_for_encoder, sample_images

MIN_IMAGES = 8  # fewer leave the ranges to chance
SAMPLE_IMAGES = 256  # of a folder or another source
MAX_IMAGES = 500  # more change the ranges little, and a dataset may repeat for ever


def calibration_images(
    calibration: str | os.PathLike | np.ndarray | Iterable,
    height: int,
    width: int,
    channels: int,
    value_range: Sequence[float] | None = None,
) -> np.ndarray:
    """The first MAX_IMAGES images, resized as in evaluation.

    One image gets a black and a white pixel in its corner if without them the images would not span [0, 1]: so an
    integer input has 1 / 255 for its scale, and every image to come fits in.

    Args:
        calibration: a folder or another name of data, of which SAMPLE_IMAGES images are used, evenly chosen; an array
            (N, H, W, C); or an iterable or tf.data.Dataset of such batches; uint8, uint16 of which 65535 is 1, or
            float in [0, 1].
        height, width, channels: of the encoder's images.
        value_range: in which the files of a source are read, see `open_for_encoder`.

    Returns:
        (N, height, width, channels) float32 in [0, 1].

    Raises:
        InputError: if there are fewer than MIN_IMAGES, or if a batch has another form.
    """
    where = ""
    if isinstance(calibration, str | os.PathLike):
        where = f" in {os.fspath(calibration)}"
        calibration = _opened(calibration, height, width, channels, value_range)
    batches = [calibration] if hasattr(calibration, "ndim") or tf.is_tensor(calibration) else calibration
    images, count = [], 0
    for batch in batches:
        batch = _unit_range(batch, channels, MAX_IMAGES - count)
        images.append(resize_to_input(tf.convert_to_tensor(batch), height, width).numpy())
        count += len(batch)
        if count >= MAX_IMAGES:
            break
    check_count(count, where)
    return _spanning(np.concatenate(images))


def check_count(count: int, where: str = "") -> None:
    """Raises InputError if there are too few calibration images.

    Args:
        count: of the images.
        where: such as " in photos/", for the message.
    """
    if count < MIN_IMAGES:
        raise InputError(
            f"tflite: int8 needs at least {MIN_IMAGES} calibration images, better 100. Give more of them. "
            f"Received: calibration of {count} images{where}"
        )


def _opened(data, height, width, channels, value_range):
    source = open_for_encoder(data, channels, value_range)
    if height == width:
        return sample_images(source, height, SAMPLE_IMAGES)
    if source.images is None:
        raise InputError(
            f"tflite: an encoder that is not square is calibrated on images of its own size, {height} by {width}. "
            f"Received: calibration {data} with other sizes"
        )
    return source.images[evenly(len(source), SAMPLE_IMAGES)]


def _unit_range(batch: np.ndarray | tf.Tensor, channels: int, count: int) -> np.ndarray:
    """The first `count` images of a batch, float32 in [0, 1]."""
    shape = (type(batch).__name__,) if isinstance(batch, tuple | list) else np.shape(batch)
    if len(shape) != 4 or shape[3] != channels:
        raise InputError(
            f"tflite: calibration takes batches of images (N, H, W, {channels}), without labels. "
            f"Received: calibration with a batch of {shape}"
        )
    batch = np.asarray(batch)[:count]
    if batch.dtype in (np.uint8, np.uint16):
        return batch / np.float32(np.iinfo(batch.dtype).max)
    if batch.dtype.kind != "f" or (batch.size and not (batch.min() >= 0 and batch.max() <= 1)):
        raise InputError(
            "tflite: calibration images are uint8, uint16, or float in [0, 1]. "
            f"Received: calibration of {batch.dtype} from {batch.min()} to {batch.max()}"
        )
    return batch.astype(np.float32)


def _spanning(images: np.ndarray) -> np.ndarray:
    if images.min() > 0:
        images[0, 0, 0] = 0
    if images.max() < 1:
        images[0, 0, 1] = 1
    return images
