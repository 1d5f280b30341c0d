"""The Keras layer that makes BYOL's two views."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from .layout import require_unit_range, to_unit_range
from .random import Part, add_next_seed, part_here, split, take_seed
from .view import VIEW_1, VIEW_2, distort, random_view

# What a view may leave out, because layers of before are saved without it.
OPTIONAL = {"quarter_turn": VIEW_1["quarter_turn"]}


@keras.saving.register_keras_serializable("byol_keras")
class TwoViews(keras.layers.Layer):
    """Two random views of each image: images (B, H, W, C) -> (view_1, view_2), each (B, S, S, C) float32 in [0, 1].

    Works inside `tf.data` maps and inside a model alike. Without a `seed` in the call, seeds are drawn from the layer's
    own generator, one after another: reproducible after `keras.utils.set_random_seed` or with `seed=` in the
    constructor as long as calls come in order, so not in a parallel map; there, pass each call a seed.

    Args:
        image_size: int, S, in pixels.
        view_1, view_2: dicts such as VIEW_1 and VIEW_2, which are the paper's. `quarter_turn` may be left out.
        seed: int, start of the layer's own seeds.

    Raises:
        InputError: for an image size below 1, or a view whose keys are not those of VIEW_1.

    Example:
        views = bk.TwoViews(image_size=32, view_2={**bk.VIEW_2, "solarize": 0.0})
        view_1, view_2 = views(images)  # (B, 32, 32, C) each
    """

    def __init__(
        self,
        image_size: int,
        view_1: Mapping[str, Any] = VIEW_1,
        view_2: Mapping[str, Any] = VIEW_2,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        if not isinstance(image_size, int) or image_size < 1:
            raise InputError(
                f"The image size must be a whole number of pixels from 1. Received: image_size={image_size!r}"
            )
        view_1, view_2 = {**OPTIONAL, **view_1}, {**OPTIONAL, **view_2}
        for name, view in (("view_1", view_1), ("view_2", view_2)):
            if set(view) != set(VIEW_1):
                wrong = ", ".join(sorted(set(view) ^ set(VIEW_1)))
                raise InputError(f"`{name}` must have the keys of VIEW_1; missing or unknown: {wrong}.")
        self.image_size = image_size
        self.view_1, self.view_2 = view_1, view_2
        self.seed = seed
        self.next_seed = add_next_seed(self, seed)
        self.built = True

    def call(
        self, images: tf.Tensor | np.ndarray, seed: tf.Tensor | None = None, part: Part = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The two views of `images`.

        Args:
            images: (B, H, W, C), uint8, uint16 or float in [0, 1], any C. Of others than RGB, C 3, the views leave out
                saturation, hue and grayscale.
            seed: (2,) int, or None for the layer's own.
            part: (start, total) where these images are a part of a batch: they get the views they have in the whole.
        """
        images = require_unit_range(to_unit_range(images))
        shape = images.shape
        if len(shape) != 4 or shape[-1] is None or (shape[1] in (1, 3) and shape[-1] not in (1, 3)):
            raise InputError(f"Images must be a (B, H, W, C) batch, channels last. Received: shape {tuple(shape)}")
        part = part_here(tf.shape(images)[0]) if part is None else part
        seed_1, seed_2 = self._seeds(seed)
        return (
            random_view(images, self.image_size, self.view_1, seed_1, part),
            random_view(images, self.image_size, self.view_2, seed_2, part),
        )

    def distort(
        self, crop_1: tf.Tensor, crop_2: tf.Tensor, seed: tf.Tensor | None, part: Part = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The two views from crops already cut and resized, each (B, S, S, C) uint8 or float in [0, 1]."""
        part = part_here(tf.shape(crop_1)[0]) if part is None else part
        seed_1, seed_2 = self._seeds(seed)
        return (
            distort(to_unit_range(crop_1), self.view_1, seed_1, part),
            distort(to_unit_range(crop_2), self.view_2, seed_2, part),
        )

    def _seeds(self, seed):
        if seed is None:
            seed = take_seed(self.next_seed)
        return split(tf.convert_to_tensor(seed), 2)

    def compute_output_shape(self, input_shape: tuple) -> tuple[tuple, tuple]:
        shape = (input_shape[0], self.image_size, self.image_size, input_shape[-1])
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "image_size": self.image_size,
            "view_1": self.view_1,
            "view_2": self.view_2,
            "seed": self.seed,
        }
