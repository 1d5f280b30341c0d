"""From a batch as `fit` gives it to two views, and what a batch may not be."""

import contextlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from ..errors import InputError
from .layout import OUT_OF_RANGE, require_unit_range, to_unit_range

VIEWS_EXPECTED = (
    "BYOL trains on two views of each image. Give `fit` batches of ((view_1, view_2),) or "
    "((view_1, view_2), labels), or pass augmenter=TwoViews(...) to BYOL and plain batches of images to `fit`."
)
TOO_SMALL = "Batches must have at least 2 images: batch normalization leaves nothing of one. Received: batch_size=1"


def batch_views(
    data: Any, augmenter: keras.layers.Layer | None = None, seed: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The two views in a batch.

    Args:
        data: ((view_1, view_2),) or ((view_1, view_2), labels), views (B, H, W, C) uint8 or float in [0, 1]; with an
            augmenter, images (B, H, W, C) or (images, labels).
        augmenter: layer, images -> (view_1, view_2), or None.
        seed: (2,) int32, given to the augmenter where its `call` takes a `seed`; None lets it draw its own.

    Returns:
        view_1, view_2: (B, H, W, C) float32 in [0, 1].

    Raises:
        InputError: for another structure, or weights for the images.
    """
    x, _, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if sample_weight is not None:
        raise InputError(
            "BYOL gives every image the same weight: leave out sample_weight and class_weight. "
            f"Received: sample_weight of shape {tuple(sample_weight.shape)}"
        )
    if augmenter is not None:
        if isinstance(x, (tuple, list, dict)):
            raise InputError(f"With an augmenter, a batch is one tensor of images. Received: {_describe(x)}")
        takes_seed = seed is not None and "seed" in inspect.signature(augmenter.call).parameters
        return augmenter(x, seed=seed) if takes_seed else augmenter(x)
    if not isinstance(x, (tuple, list)) or len(x) != 2 or any(len(view.shape) != 4 for view in x):
        raise InputError(f"{VIEWS_EXPECTED} Received: {_describe(data)}")
    view_1, view_2 = (require_unit_range(to_unit_range(view)) for view in x)
    return view_1, view_2


def require_two_images(view_1: tf.Tensor, view_2: tf.Tensor, unless: bool | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The views as they are, (B, H, W, C); the step fails where B is 1, unless `unless`, a () bool, holds."""
    enough = tf.convert_to_tensor(unless) | (tf.shape(view_1)[0] > 1)
    with tf.control_dependencies([tf.debugging.Assert(enough, [TOO_SMALL])]):
        return tf.identity(view_1), tf.identity(view_2)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Inside the `with`, what the checks of this module and of `layout` find in a graph is raised as an InputError."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        # TensorFlow's message has the lines of the graph before and after the text of the check.
        if TOO_SMALL in error.message:
            raise InputError(TOO_SMALL) from None
        if found := re.search(rf"{re.escape(OUT_OF_RANGE)}\] \[(\S+)\] \[(\S+)\]", error.message):
            raise InputError(f"{OUT_OF_RANGE} Received: values from {found[1]} to {found[2]}") from None
        raise


def _describe(data):
    """The structure of a batch with shapes in place of tensors, for error messages."""
    return str(keras.tree.map_structure(lambda x: f"{x.dtype.name} {tuple(x.shape)}", data)).replace("'", "")
