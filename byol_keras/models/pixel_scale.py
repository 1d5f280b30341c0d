"""Encoders that expect pixels from 0 to 255, which never come: images are in [0, 1]."""

import warnings

import keras
import numpy as np

from .checks import input_shape

_SMALLEST_SPAN = 1 / 50  # of what the first filters get; ImageNet's normalization makes 4.4 of [0, 1]


def warn_of_pixels_to_255(encoder: keras.Model) -> None:
    """Warns where a functional encoder of images makes them so small that its first filters see next to nothing.

    EfficientNet, MobileNetV3, RegNet and ConvNeXt of `keras.applications` divide by 255 unless they are told not to,
    and so do the backbones of keras-cv. On images in [0, 1] trained weights are then of no use, and an encoder without
    batch normalization hardly learns; nothing else shows it.

    Args:
        encoder: a built keras.Model, see `embedding_size`.
    """
    if not getattr(encoder, "inputs", None) or len(input_shape(encoder)) != 4:
        return
    span = 1.0
    for layer in _in_order(encoder):
        if isinstance(layer, keras.layers.Rescaling):
            span *= float(np.max(np.abs(layer.scale)))
        elif isinstance(layer, keras.layers.Normalization):
            span *= _factor(layer)
        elif layer.weights:
            break
    if span < _SMALLEST_SPAN:
        warnings.warn(
            f"The encoder {encoder.name!r} begins by scaling its images to {span:.2g} of their range, as if they were "
            "from 0 to 255; it gets them as float32 in [0, 1]. Build it without preprocessing "
            "(include_preprocessing=False or include_rescaling=False where it has that), or begin it with "
            "keras.layers.Rescaling(255).",
            stacklevel=3,
        )


def _in_order(model):
    """The layers that hold no others, in the order in which images meet them."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _in_order(layer)
        else:
            yield layer


def _factor(layer):
    """What a layer multiplies differences of pixels by, of the channel where that is most."""
    if layer.invert:
        return float(np.sqrt(np.max(layer.variance)))
    return float(1 / np.sqrt(max(np.min(layer.variance), keras.config.epsilon())))
