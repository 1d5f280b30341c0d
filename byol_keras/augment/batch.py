"""From a batch as `fit` gives it to two views, and what a batch may not be.

A batch of rank 4, (B, H, W, C), is one of images: uint8 and uint16 are scaled to [0, 1], floats must be in it. One of
any other rank, such as tokens (B, L) or series (B, T, C), is taken as it is.
"""

import contextlib
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from ..utils.replicas import summed
from .layout import OUT_OF_RANGE, require_unit_range, to_unit_range

VIEWS_EXPECTED = (
    "BYOL trains on two views of each example. Give `fit` batches of ((view_1, view_2),) or "
    "((view_1, view_2), labels), or pass augmenter=TwoViews(...) or another to BYOL and plain batches to `fit`."
)
TOO_SMALL = "Batches must have at least 2 examples: batch normalization leaves nothing of one. Received: batch_size=1"


def encoder_input(batch: tf.Tensor | np.ndarray) -> tf.Tensor:
    """A batch as an encoder is given it.

    Args:
        batch: (B, ...). Of rank 4: images (B, H, W, C), uint8, uint16, or float in [0, 1].

    Returns:
        Images as float32 in [0, 1]; what has another rank as it is, in its dtype.

    Raises:
        InputError: for images of another dtype or range, see `layout.require_unit_range`, and for an unknown rank.
    """
    if isinstance(batch, (tuple, list, dict)):  # TensorFlow would stack what is in it
        raise InputError(f"A batch is one tensor. Received: {_describe(batch)}")
    batch = tf.convert_to_tensor(batch)
    _require_rank(batch)
    return require_unit_range(to_unit_range(batch)) if batch.shape.rank == 4 else batch


def batch_views(
    data: Any, augmenter: keras.layers.Layer | None = None, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The two views in a batch.

    Args:
        data: ((view_1, view_2),) or ((view_1, view_2), labels), views as for `encoder_input`; with an augmenter, a
            batch as this takes it, or (batch, labels).
        augmenter: layer, batch -> (view_1, view_2), or None; where its `call` takes `training`, that is True.
        seed: (2,) int32, given to the augmenter where its `call` takes a `seed`; None lets it draw its own.

    Returns:
        view_1, view_2: (B, ...) as of `encoder_input`; of an augmenter, as it gives them, but for
            images as uint8 or uint16, which become floats in [0, 1].

    Raises:
        InputError: for another structure, weights for the examples, or an augmenter that does not give two views.
    """
    x, _, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None:
        raise InputError(
            "BYOL gives every example the same weight: leave out sample_weight and class_weight. "
            f"Received: sample_weight of shape {tuple(sample_weight.shape)}"
        )
    if augmenter is not None:
        if isinstance(x, (tuple, list, dict)):
            raise InputError(f"With an augmenter, a batch is one tensor, not its views. Received: {_describe(x)}")
        _require_rank(x)
        takes = inspect.signature(augmenter.call).parameters
        options = {"seed": seed} if seed is not None and "seed" in takes else {}
        # In evaluation as well, which needs views that differ: Keras' random layers give one back as it is otherwise.
        options |= {"training": True} if "training" in takes else {}
        views = augmenter(x, **options)
        if not _is_pair(views):
            raise InputError(f"An augmenter gives (view_1, view_2). Received: {_describe(views)}")
        _require_rank(*views)
        return tuple(to_unit_range(view) if _is_stored(view) else view for view in views)
    if not _is_pair(x):
        raise InputError(f"{VIEWS_EXPECTED} Received: {_describe(data)}")
    view_1, view_2 = (encoder_input(view) for view in x)
    return view_1, view_2


def require_two_images(view_1: tf.Tensor, view_2: tf.Tensor, unless: bool | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The views as they are; the step fails where those of all replicas are one, unless `unless`, a () bool, holds."""
    enough = tf.convert_to_tensor(unless) | (summed(tf.shape(view_1)[0]) > 1)
    with tf.control_dependencies([tf.debugging.Assert(enough, [TOO_SMALL])]):
        return tf.identity(view_1), tf.identity(view_2)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Inside the `with`, what the checks of this module and of `layout` find in a graph is raised as an InputError."""
    before = sys.exception()  # of the caller, who is handling it
    try:
        yield
    except InputError as error:
        # Keras raises another, of several lines, in the place of one that comes from a `call`.
        while isinstance(error.__context__, InputError) and error.__context__ is not before:
            error = error.__context__
        raise error from None
    except tf.errors.InvalidArgumentError as error:
        # TensorFlow's message has the lines of the graph before and after the text of the check.
        if TOO_SMALL in error.message:
            raise InputError(TOO_SMALL) from None
        if found := re.search(rf"{re.escape(OUT_OF_RANGE)}\] \[(\S+)\] \[(\S+)\]", error.message):
            raise InputError(f"{OUT_OF_RANGE} Received: values from {found[1]} to {found[2]}") from None
        raise


def _require_rank(*batches):
    for batch in batches:
        if getattr(batch.shape, "rank", 0) is None:
            raise InputError(
                "It must be known how many axes a batch has: say so in the pipeline, by tf.ensure_shape. "
                f"Received: {_describe(batch)}"
            )


def _is_stored(view):
    """Whether they are images as whole numbers."""
    return view.shape.rank == 4 and view.dtype.is_integer


def _is_pair(x):
    """Whether it is two tensors."""
    return isinstance(x, (tuple, list)) and len(x) == 2 and not any(map(keras.tree.is_nested, x))


def _describe(data):
    """The structure of a batch with shapes in place of tensors, for error messages."""
    return str(keras.tree.map_structure(_tensor, data)).replace("'", "")


def _tensor(x):
    if not hasattr(x, "shape"):
        return repr(x)
    return f"{x.dtype.name} {'of unknown rank' if getattr(x.shape, 'rank', 0) is None else tuple(x.shape)}"
