"""Encoders by name, for the command line."""

from ..errors import InputError
from .resnet import resnet8, resnet8x2, resnet10, resnet18, resnet34, resnet50

BACKBONES = {
    "resnet8": resnet8,
    "resnet8x2": resnet8x2,
    "resnet10": resnet10,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
}


def backbone(name, image_size, **kwargs):
    """Builds the encoder called `name` with fresh weights.

    Args:
        name: a key of BACKBONES.
        image_size: int, in pixels.
        **kwargs: passed on, see `resnet.resnet`.

    Returns:
        keras.Model, (B, image_size, image_size, channels) float32 in [0, 1] -> (B, D) float32.

    Raises:
        InputError: for an unknown name.
    """
    check_name(name)
    return BACKBONES[name](image_size=image_size, **kwargs)


def check_name(name):
    """Raises InputError unless `name` is a key of BACKBONES."""
    if name not in BACKBONES:
        raise InputError(f"No backbone is called {name!r}; choose one of {', '.join(BACKBONES)}.")
