"""Trained weights that a run starts from."""

import os

import keras
import numpy as np

from ..errors import InputError
from .load import load_encoder


def start_encoder(path: str | os.PathLike, channels: int) -> keras.Model:
    """The encoder that a run is to start from.

    Args:
        path: a run, or a .keras file of one of this package's ResNets.
        channels: of the run's images.

    Returns:
        keras.Model with a layer "normalization".

    Raises:
        InputError: where there is none, it normalizes no images, or takes others.
    """
    encoder = load_encoder(path)
    if not any(layer.name == "normalization" for layer in encoder.layers):
        raise InputError(f"{path} is not one of this package's ResNets, which normalize images by their mean and std.")
    if encoder.input_shape[-1] != channels:
        raise InputError(
            f"{path} takes images with {encoder.input_shape[-1]} channels (1 gray, 3 color), and these have {channels}."
        )
    return encoder


def start_statistics(encoder: keras.Model) -> tuple[list[float], list[float]]:
    """Mean and std of each channel by which the encoder normalizes, which its weights go with."""
    layer = encoder.get_layer("normalization")
    mean, variance = (np.asarray(part, np.float64).ravel() for part in (layer.mean, layer.variance))
    return [round(float(m), 4) for m in mean], [round(float(v) ** 0.5, 4) for v in variance]


def start_from_weights(encoder: keras.Model, start: keras.Model, path: str | os.PathLike) -> None:
    """Gives an encoder the weights of another, which may be for another image size.

    Args:
        encoder: a fresh one.
        start: see `start_encoder`.
        path: where it is from, for the error.

    Raises:
        InputError: where they are not of one architecture.
    """
    weights = start.get_weights()
    fits = [weight.shape for weight in weights] == [tuple(weight.shape) for weight in encoder.weights]
    # Another stride, or no pooling, needs no other weights.
    if not fits or _strides(start) != _strides(encoder):
        raise InputError(
            f"{path} has other layers than the backbone of this run: choose the `backbone` and the stem that it was "
            f"trained with. Received: {start.count_params():,} parameters, not {encoder.count_params():,}, strides "
            f"{_strides(start)}, not {_strides(encoder)}"
        )
    encoder.set_weights(weights)


def _strides(encoder):
    """Of all the layers that have one, in their order."""
    return [layer.strides for layer in encoder.layers if hasattr(layer, "strides")]
