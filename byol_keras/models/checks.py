"""What BYOL asks of its parts."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from ..errors import InputError


def embedding_size(encoder: keras.Model) -> int:
    """D of an encoder's output (B, D).

    Raises:
        InputError: for an encoder that is no model, has no weights yet, or gives something else.
    """
    if not isinstance(encoder, keras.Model):
        raise InputError(f"The encoder must be a keras.Model. Received: encoder={encoder!r}")
    if not encoder.built or not encoder.weights:
        raise InputError(f"The encoder {encoder.name!r} has no weights yet: call it once on a batch of images first.")
    output = getattr(encoder.compute_output_spec(keras.KerasTensor(input_shape(encoder))), "shape", None)
    if output is None or len(output) != 2:
        raise InputError(
            f"The encoder must give one vector per image, (B, D); {encoder.name!r} gives {output or 'several'}. "
            "End it with GlobalAveragePooling2D (pooling='avg' in keras.applications)."
        )
    return output[-1]


def input_shape(encoder: keras.Model) -> tuple:
    """(B, H, W, C) of what a built encoder takes, None for what may be of any size."""
    # A model written as a class knows only the shape it was built with.
    return encoder.input_shape if getattr(encoder, "inputs", None) else encoder.get_build_config()["input_shape"]


def check_head(name: str, head: keras.Model, takes: int, gives: int | None = None) -> None:
    """Raises InputError unless the head is built, takes (B, takes), and gives (B, gives) where that is given."""
    if not head.built:
        raise InputError(f"The {name} has no weights yet: begin it with keras.Input(({takes},)).")
    received = head.input_shape[-1], head.output_shape[-1]
    if received[0] != takes or (gives is not None and received[1] != gives):
        wanted = f"(B, {takes})" if gives is None else f"(B, {takes}) and give (B, {gives})"
        raise InputError(f"The {name} must take {wanted}. Received: one from {received[0]} to {received[1]}")


def checked_decay(name: str, value: float) -> float:
    """The value itself, a decay of the target from 0 to 1; InputError for any other, which calls it `name`."""
    if not 0 <= value <= 1:
        raise InputError(f"`{name}` must be between 0 and 1. Received: {name}={value}")
    return value


def checked_positive(name: str, value: float) -> float:
    """The value itself, a number above 0; InputError for any other, which calls it `name`."""
    if not value > 0:  # nor NaN
        raise InputError(f"`{name}` must be above 0. Received: {name}={value!r}")
    return value


def check_view_loss(loss: Any, width: int) -> Callable:
    """The loss itself, a function (prediction (B, width), target (B, width)) -> (B,); InputError for anything else."""
    form = f"The loss between two views is a function: prediction (B, {width}), target (B, {width}) -> (B,)."
    if not callable(loss):
        raise InputError(f"{form} Received: loss={loss!r}")
    zeros = ops.zeros((2, width))
    shape = tuple(getattr(loss(zeros, zeros), "shape", ()))
    if shape != (2,):
        raise InputError(f"{form} Received: loss={loss!r}, which gives {shape} for B = 2")
    return loss
