"""What BYOL asks of its parts."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from ..errors import InputError, first_line


def embedding_size(encoder: keras.Model) -> int:
    """D of an encoder's output (B, D).

    Raises:
        InputError: for an encoder that is no model, has no weights yet, takes something else than one tensor, or
            images as whole numbers, or gives something else.
    """
    if not isinstance(encoder, keras.Model):
        raise InputError(f"The encoder must be a keras.Model. Received: encoder={encoder!r}")
    if not encoder.built or not encoder.weights:
        raise InputError(f"The encoder {encoder.name!r} has no weights yet: call it once on a batch first.")
    shape = input_shape(encoder)
    if len(shape) == 4 and not keras.backend.is_float_dtype(dtype := input_tensor(encoder).dtype):
        raise InputError(
            f"Images come to the encoder as float32 in [0, 1], and {encoder.name!r} would make whole numbers of them: "
            f"begin it with a keras.Input of float32. Received: dtype={dtype}"
        )
    output = getattr(_output_spec(encoder, shape), "shape", None)
    if output is None or len(output) != 2:
        pooling = f"GlobalAveragePooling{len(shape) - 2}D" if 3 <= len(shape) <= 5 else "a pooling layer"
        keras_applications = " (pooling='avg' in keras.applications)" if len(shape) == 4 else ""
        raise InputError(
            f"The encoder must give one vector for each example, (B, D); {encoder.name!r} gives "
            f"{output or 'several'}. End it with {pooling}{keras_applications}."
        )
    if output[-1] is None:
        raise InputError(
            f"The encoder {encoder.name!r} gives vectors of no fixed size for images of any size: end it with pooling, "
            f"or give its keras.Input a size. Received: input {shape}, output {output}"
        )
    return output[-1]


def _output_spec(encoder, shape):
    """What the encoder gives for a batch of a shape, as KerasTensors."""
    if getattr(encoder, "inputs", None):
        return encoder.compute_output_spec(input_tensor(encoder))
    # A model written as a class does not say whether it takes floats or whole numbers.
    for dtype in ("float32", "int32"):
        try:
            return encoder.compute_output_spec(keras.KerasTensor(shape, dtype))
        except Exception as error:  # TensorFlow and Keras raise nearly anything for the wrong one.
            failed = error
    cause = first_line(failed)
    raise InputError(f"The encoder {encoder.name!r} cannot be called: {cause}. Received: input {shape}") from failed


def input_shape(encoder: keras.Model) -> tuple:
    """(B, ...) of what a built encoder takes, (B, H, W, C) of images, None for what may be of any size.

    Raises:
        InputError: for one that takes several tensors.
    """
    if getattr(encoder, "inputs", None):
        shapes = [tuple(tensor.shape) for tensor in encoder.inputs]
    else:  # a model written as a class knows only the shape it was built with
        config = encoder.get_build_config() or {}
        shapes = [config["input_shape"]] if "input_shape" in config else list(config.get("shapes_dict", {}).values())
    if len(shapes) != 1 or not all(size is None or isinstance(size, int) for size in shapes[0]):
        raise InputError(
            f"The encoder must take one tensor, (B, ...). Received: {encoder.name!r}, which takes {shapes}"
        )
    return tuple(shapes[0])


def input_tensor(encoder: keras.Model) -> keras.KerasTensor:
    """What a built encoder takes, with the dtype where it is known, else float32."""
    dtype = encoder.inputs[0].dtype if getattr(encoder, "inputs", None) else "float32"
    return keras.KerasTensor((None, *input_shape(encoder)[1:]), dtype)


def require_taken(encoder: keras.Model, *batches: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The batches (B, ...) as they are; InputError for one of another shape than the encoder was made for."""
    # Where Keras would fit the ranks together, images without an axis for channels would not be seen to be images.
    wanted = input_shape(encoder)
    # A model written as a class may take other sizes than it was built with.
    sizes = wanted if getattr(encoder, "inputs", None) else (None,) * len(wanted)
    for shape in (tuple(batch.shape) for batch in batches):
        pairs = zip(sizes[1:], shape[1:], strict=False)
        if len(shape) != len(wanted) or any(None not in pair and pair[0] != pair[1] for pair in pairs):
            form = "(B, " + ", ".join("any" if size is None else str(size) for size in wanted[1:]) + ")"
            raise InputError(f"The encoder {encoder.name!r} takes batches of {form}. Received: one of {shape}")
    return batches


def check_head(name: str, head: keras.Model, takes: int, gives: int | None = None) -> None:
    """Raises InputError unless the head is built, takes (B, takes), and gives (B, gives) where that is given."""
    if not head.built:
        raise InputError(f"The {name} has no weights yet: begin it with keras.Input(({takes},)).")
    if not getattr(head, "inputs", None):
        raise InputError(f"The {name} must be a functional or sequential model. Received: {type(head).__name__}")
    received = head.input_shape[-1], head.output_shape[-1]
    if received[0] != takes or (gives is not None and received[1] != gives):
        wanted = f"(B, {takes})" if gives is None else f"(B, {takes}) and give (B, {gives})"
        raise InputError(f"The {name} must take {wanted}. Received: one from {received[0]} to {received[1]}")


def check_augmenter(augmenter: Any) -> keras.layers.Layer | None:
    """The augmenter itself, a layer or None; InputError for anything else."""
    if augmenter is None or isinstance(augmenter, keras.layers.Layer):
        return augmenter
    raise InputError(
        "The augmenter must be a keras.layers.Layer, whose `call` gives (view_1, view_2). "
        f"Received: augmenter={augmenter!r}"
    )


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
