"""Two random views of each text: batched functions of ids with their random numbers passed in, and the layer of them.

Ids are (B, L) int32, 0 is padding, and a text begins at the first place.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from .random import Part, add_next_seed, part_here, split, take_seed, uniform


def drop_tokens(ids: tf.Tensor, rate: float, chances: tf.Tensor) -> tf.Tensor:
    """Leaves tokens out; those after them move up.

    Args:
        ids: (B, L) int32.
        rate: float in [0, 1), how likely each is left out.
        chances: (B, L) float32, uniform in [0, 1).

    Returns:
        (B, L) int32, padded with 0. A text that would lose all its tokens loses none.
    """
    real = ids != 0
    left = real & (chances >= rate)
    left = tf.where(tf.reduce_any(left, axis=1, keepdims=True), left, real)
    order = tf.argsort(tf.cast(~left, tf.int32), axis=1, stable=True)
    return tf.gather(tf.where(left, ids, 0), order, batch_dims=1)


def mask_spans(ids: tf.Tensor, share: float, span: int, mask_id: int, chances: tf.Tensor) -> tf.Tensor:
    """Puts `mask_id` in the place of runs of tokens.

    A run begins at each place, also at those before the first, with the chance 1 - (1 - share)^(1 / span), and is
    `span` long, so that every token is masked with the chance `share`. Runs may overlap.

    Args:
        ids: (B, L) int32.
        share: float in [0, 1).
        span: int from 1, in tokens.
        mask_id: int.
        chances: (B, L + span - 1) float32, uniform in [0, 1).

    Returns:
        (B, L) int32; padding stays 0.
    """
    begins = tf.cast(chances < 1 - (1 - share) ** (1 / span), tf.int32)
    length = ids.shape[1] if ids.shape[1] is not None else tf.shape(ids)[1]
    covered = tf.add_n([begins[:, i : i + length] for i in range(span)]) > 0
    return tf.where(covered & (ids != 0), mask_id, ids)


def shuffle_near(ids: tf.Tensor, window: int, chances: tf.Tensor) -> tf.Tensor:
    """Changes the order of tokens that are near each other.

    Sorted by place + window * chance: no token passes one that is `window` or more places away.

    Args:
        ids: (B, L) int32.
        window: int from 1, which changes nothing.
        chances: (B, L) float32, uniform in [0, 1).

    Returns:
        (B, L) int32, the same tokens; padding stays at the end.
    """
    places = tf.cast(tf.range(tf.shape(ids)[1]), tf.float32)
    keys = places + window * chances
    keys = tf.where(ids != 0, keys, places + tf.cast(tf.shape(ids)[1] + window, tf.float32))
    return tf.gather(ids, tf.argsort(keys, axis=1, stable=True), batch_dims=1)


@keras.saving.register_keras_serializable("byol_keras")
class TokenViews(keras.layers.Layer):
    """Two random views of each text: ids (B, L) -> (view_1, view_2), each (B, L) int32.

    In each some tokens are left out, runs of others masked, and neighbors swapped, see `drop_tokens`, `mask_spans` and
    `shuffle_near`. The ids are those of `data.word_ids` or any other, from 1 on; 0 is padding, at the end. As with
    `TwoViews`, seeds are drawn from the layer's own generator where a call has none.

    Args:
        mask_id: int from 1, the id that stands for a masked token; none of the texts' own.
        drop: float in [0, 1), the chance of a token to be left out.
        mask: float in [0, 1), the chance of a token to be masked.
        span: int from 1, the tokens of a masked run.
        window: int from 1, see `shuffle_near`; with 1 the order stays.
        seed: int, start of the layer's own seeds.

    Raises:
        InputError: for a value out of range; from a call, for what are no ids (B, L).

    Example:
        views = bk.TokenViews(mask_id=2**13 + 1)
        view_1, view_2 = views(bk.data.word_ids(["so good", "so bad"], length=8, vocabulary=2**13))
    """

    def __init__(
        self,
        mask_id: int,
        drop: float = 0.1,
        mask: float = 0.15,
        span: int = 1,
        window: int = 3,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        for name, number in (("mask_id", mask_id), ("span", span), ("window", window)):
            if not isinstance(number, int) or number < 1:
                raise InputError(f"`{name}` must be a whole number from 1. Received: {name}={number!r}")
        for name, chance in (("drop", drop), ("mask", mask)):
            if not 0 <= chance < 1:
                raise InputError(f"`{name}` must be from 0 to below 1. Received: {name}={chance!r}")
        self.mask_id, self.drop, self.mask, self.span, self.window, self.seed = mask_id, drop, mask, span, window, seed
        self.next_seed = add_next_seed(self, seed)
        self.built = True

    def call(
        self, ids: tf.Tensor | np.ndarray, seed: tf.Tensor | None = None, part: Part = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The two views of `ids`.

        Args:
            ids: (B, L), whole numbers from 0.
            seed: (2,) int, or None for the layer's own.
            part: (start, total) where these texts are a part of a batch: they get the views they have in the whole.
        """
        ids = tf.convert_to_tensor(ids)
        if not ids.dtype.is_integer or len(ids.shape) != 2:
            raise InputError(f"Texts are ids (B, L), whole numbers. Received: {ids.dtype.name} {tuple(ids.shape)}")
        ids = tf.cast(ids, tf.int32)
        part = part_here(tf.shape(ids)[0]) if part is None else part
        seed = take_seed(self.next_seed) if seed is None else tf.convert_to_tensor(seed)
        seed_1, seed_2 = split(seed, 2)
        return self._view(ids, seed_1, part), self._view(ids, seed_2, part)

    def _view(self, ids, seed, part):
        count, length = tf.unstack(tf.shape(ids))
        drop, mask, order = split(seed, 3)
        ids = drop_tokens(ids, self.drop, uniform((count, length), drop, part))
        chances = uniform((count, length + self.span - 1), mask, part)
        ids = mask_spans(ids, self.mask, self.span, self.mask_id, chances)
        return shuffle_near(ids, self.window, uniform((count, length), order, part))

    def compute_output_shape(self, input_shape: tuple) -> tuple[tuple, tuple]:
        return input_shape, input_shape

    def get_config(self) -> dict[str, Any]:
        names = ("mask_id", "drop", "mask", "span", "window", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
