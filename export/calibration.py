"""The images from which the int8 converter learns the ranges of the activations."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from byol_keras.errors import InputError

from .saved_model import resize

LEAST = 8  # images; fewer leave the ranges to chance
MOST = 500  # images; more change the ranges little, and a dataset may repeat for ever


def calibration_images(calibration: np.ndarray | Iterable, height: int, width: int, channels: int) -> np.ndarray:
    """The first MOST images as float32 (N, height, width, channels) in [0, 1], resized as in evaluation.

    calibration: an array (N, H, W, C), or an iterable or tf.data.Dataset of such batches; uint8, or float in [0, 1].

    Raises InputError if there are fewer than LEAST, or if a batch has another form.
    """
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
    if count < LEAST:
        raise InputError(
            f"tflite: int8 needs at least {LEAST} calibration images, better 100. "
            f"Received: calibration of {count} images"
        )
    return np.concatenate(images)
