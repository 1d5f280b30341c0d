"""The images from which the int8 converter learns the ranges of the activations."""

import os
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from byol_keras.data import open_source
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.images import ImageSource, evenly
from byol_keras.errors import InputError

from .saved_model import resize

LEAST = 8  # images; fewer leave the ranges to chance
ENOUGH = 256  # taken of a SOURCE
MOST = 500  # images; more change the ranges little, and a dataset may repeat for ever


def calibration_images(
    calibration: str | os.PathLike | np.ndarray | Iterable, height: int, width: int, channels: int
) -> np.ndarray:
    """The first MOST images as float32 (N, height, width, channels) in [0, 1], resized as in evaluation.

    calibration: a SOURCE, of which ENOUGH images are taken evenly; an array (N, H, W, C); or an iterable or
        tf.data.Dataset of such batches; uint8, or float in [0, 1].

    One image gets a black and a white pixel in its corner if without them the images would not span [0, 1]: so an
    integer input has 1 / 255 for its scale, and every image to come fits in.

    Raises InputError if there are fewer than LEAST, or if a batch has another form.
    """
    where = ""
    if isinstance(calibration, str | os.PathLike):
        where = f" in {os.fspath(calibration)}"
        calibration = _opened(calibration, height, width, channels)
    batches = [calibration] if hasattr(calibration, "ndim") or tf.is_tensor(calibration) else calibration
    images, count = [], 0
    for batch in batches:
        shape = (type(batch).__name__,) if isinstance(batch, tuple | list) else np.shape(batch)
        if len(shape) != 4 or shape[3] != channels:
            raise InputError(
                f"tflite: calibration takes batches of images (N, H, W, {channels}), without labels. "
                f"Received: calibration with a batch of {shape}"
            )
        batch = np.asarray(batch)[: MOST - count]
        if batch.dtype == np.uint8:
            batch = batch / np.float32(255)
        elif batch.dtype.kind != "f" or (batch.size and not (batch.min() >= 0 and batch.max() <= 1)):
            raise InputError(
                "tflite: calibration images are uint8, or float in [0, 1]. "
                f"Received: calibration of {batch.dtype} from {batch.min()} to {batch.max()}"
            )
        images.append(resize(tf.convert_to_tensor(batch, tf.float32), height, width).numpy())
        count += len(batch)
        if count >= MOST:
            break
    require_enough(count, where)
    return _spanning(np.concatenate(images))


def require_enough(count: int, where: str = "") -> None:
    """Raise InputError if `count` images are too few. where: such as " in photos/", for the message."""
    if count < LEAST:
        raise InputError(
            f"tflite: int8 needs at least {LEAST} calibration images, better 100. Give more of them. "
            f"Received: calibration of {count} images{where}"
        )


def sample(source: ImageSource, image_size: int, count: int) -> np.ndarray:
    """At most `count` images, evenly taken, as an encoder gets them: (n, S, S, C) uint8."""
    return square_images(source.subset(evenly(len(source), count)), image_size)


def square_images(source: ImageSource, image_size: int) -> np.ndarray:
    """All the images as an encoder gets them: (n, S, S, C) uint8."""
    batches = ordered_batches(source, image_size)
    return np.concatenate([np.round(np.asarray(batch) * 255).astype(np.uint8) for batch in batches])


def _opened(data: str | os.PathLike, height: int, width: int, channels: int) -> np.ndarray:
    source = open_source(data)
    if source.channels != channels:
        raise InputError(
            f"tflite: the encoder takes images with {channels} channels (1 gray, 3 color). "
            f"Received: calibration {data} with {source.channels}"
        )
    if height == width:
        return sample(source, height, ENOUGH)
    if source.images is None:
        raise InputError(
            f"tflite: an encoder that is not square is calibrated on images of its own size, {height} by {width}. "
            f"Received: calibration {data} with other sizes"
        )
    return source.images[evenly(len(source), ENOUGH)]


def _spanning(images: np.ndarray) -> np.ndarray:
    if images.min() > 0:
        images[0, 0, 0] = 0
    if images.max() < 1:
        images[0, 0, 1] = 1
    return images
