"""The Keras layer that makes two views of each recording's spectrogram, as BYOL for Audio."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..errors import InputError
from .frames import cut_frames
from .layout import require_unit_range, to_unit_range
from .log_power import log_mixup_exp
from .random import add_next_seed, split, take_seed, uniform
from .resize_crop import canvas_crop, virtual_boxes

# The running statistics of the views are the mean of all batches, and from so many on follow the later ones.
BATCHES_FOR_STATISTICS = 100


@keras.saving.register_keras_serializable("byol_keras")
class AudioViews(keras.layers.Layer):
    """Two random views of each spectrogram: (B, F, T, 1) in [0, 1] -> (view_1, view_2), (B, F, frames, 1) float32.

    Both are of one part of it. Each is mixed with one of the inputs of before, as two sounds at once (`log_mixup_exp`),
    and then shifted and stretched in time and frequency (`canvas_crop`). Source: Niizumi et al. 2021, arXiv 2103.06695.
    As mixing and silence change the statistics of the whole, the views are shifted and scaled back to `mean` and `std`,
    by a running mean and std of all views; so single values may be outside [0, 1].

    The inputs of before and the running statistics are weights of the layer, saved with the model. Given a `seed`, a
    call uses them and leaves them as they are; without, it draws from a generator of the layer's own and adds to them.
    Use it as BYOL's `augmenter`; not in a `tf.data` map, and on one device.

    Args:
        frames: int, columns of a view: 96 are 0.96 s.
        mixup: float from 0 to below 1, the largest share of another sound.
        mixup_memory: int from 1, how many inputs of before are remembered.
        canvas: (height, width) of the canvas, from 1, in sizes of a spectrogram.
        frequency_scale, time_scale: (low, high), of a crop.
        mean, std: what the encoder normalizes by, of the spectrograms; None leaves the views as they are.
        seed: int, start of the layer's own seeds.

    Raises:
        InputError: for values out of range, and under several replicas.

    Example:
        encoder = bk.resnet8(input_shape=(64, 96, 1), mean=[0.45], std=[0.21])
        model = bk.BYOL(encoder, augmenter=bk.AudioViews(mean=0.45, std=0.21))
        model.compile("adam")
        model.fit(spectrograms, batch_size=64, epochs=40)
    """

    def __init__(
        self,
        frames: int = 96,
        mixup: float = 0.4,
        mixup_memory: int = 2048,
        canvas: Sequence[float] = (1.0, 1.5),
        frequency_scale: Sequence[float] = (0.6, 1.5),
        time_scale: Sequence[float] = (0.6, 1.5),
        mean: float | None = None,
        std: float | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(autocast=False, **kwargs)
        for name, value in (("frames", frames), ("mixup_memory", mixup_memory)):
            _require(isinstance(value, int) and value >= 1, name, value, "a whole number from 1")
        _require(0 <= mixup < 1, "mixup", mixup, "from 0 to below 1")
        _require(len(canvas) == 2 and min(canvas) >= 1, "canvas", canvas, "two numbers from 1")
        for name, value in (("frequency_scale", frequency_scale), ("time_scale", time_scale)):
            right = len(value) == 2 and 0 < value[0] <= value[1]
            _require(right, name, value, "two numbers above 0, the lower one first")
        _require(
            (mean is None) == (std is None) and (std is None or std > 0), "std", std, "above 0, and go with a mean"
        )
        self.frames, self.mixup, self.mixup_memory = frames, mixup, mixup_memory
        self.canvas = tuple(canvas)
        self.frequency_scale, self.time_scale = tuple(frequency_scale), tuple(time_scale)
        self.mean, self.std = mean, std
        self.seed = seed

    def build(self, input_shape: tuple) -> None:
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            raise InputError(
                "AudioViews trains on one device: on several, each would mix with other inputs of before than one does."
            )
        self.next_seed = add_next_seed(self, self.seed)

        def weight(name, shape, dtype):
            return self.add_weight(shape=shape, initializer="zeros", dtype=dtype, trainable=False, name=name)

        # Of 256 levels, a ninth of a neper each: enough for what is mixed in, and a quarter of the memory of floats.
        self.past = weight("past", (self.mixup_memory, input_shape[1], self.frames, input_shape[-1]), "uint8")
        self.inputs_seen = weight("inputs_seen", (), "int64")
        self.view_mean = weight("view_mean", (), "float32")
        self.view_square = weight("view_square", (), "float32")
        self.batches_seen = weight("batches_seen", (), "int64")

    def call(self, spectrograms: tf.Tensor | np.ndarray, seed: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """The two views.

        Args:
            spectrograms: (B, F, T, 1), uint8, uint16 or float in [0, 1]. Of a longer one than `frames` a random part
                is taken, a shorter one lies in the middle of silence.
            seed: (2,) int, or None for the layer's own.
        """
        spectrograms = require_unit_range(to_unit_range(spectrograms))
        part_seed, seed_1, seed_2 = split(take_seed(self.next_seed) if seed is None else seed, 3)
        parts = self._parts(spectrograms, part_seed)
        view_1, view_2 = self._view(parts, seed_1), self._view(parts, seed_2)
        if seed is None:
            self._remember(parts)
        if self.mean is None:
            return view_1, view_2
        mean, std = self._statistics(tf.stack([view_1, view_2]), moves=seed is None)
        return tuple((view - mean) / std * self.std + self.mean for view in (view_1, view_2))

    def _parts(self, spectrograms, seed):
        count, room = tf.shape(spectrograms)[0], tf.shape(spectrograms)[2] - self.frames
        starts = tf.floor(uniform([count], seed) * tf.cast(room + 1, tf.float32))
        starts = tf.where(room > 0, tf.cast(starts, tf.int32), room // 2)
        return tf.ensure_shape(
            cut_frames(spectrograms, starts, self.frames),
            [None, spectrograms.shape[1], self.frames, spectrograms.shape[-1]],
        )

    def _view(self, parts, seed):
        mix_seed, crop_seed = split(seed, 2)
        count, (_, bands, frames, _) = tf.shape(parts)[0], parts.shape
        ratio, which = tf.unstack(uniform([2, count], mix_seed))
        there = tf.minimum(tf.convert_to_tensor(self.inputs_seen), self.mixup_memory)
        row = tf.cast(tf.floor(which * tf.cast(there, tf.float32)), tf.int64)
        past = tf.gather(tf.convert_to_tensor(self.past), tf.clip_by_value(row, 0, tf.maximum(there - 1, 0)))
        mixed = log_mixup_exp(parts, to_unit_range(past), tf.where(there > 0, self.mixup * ratio, 0.0))
        canvas = (int(bands * self.canvas[0]), int(frames * self.canvas[1]))
        boxes = virtual_boxes(count, (bands, frames), canvas, (self.frequency_scale, self.time_scale), crop_seed)
        # What is not there is as loud as all is on average, as in the paper, whose inputs have the mean 0.
        return canvas_crop(mixed, boxes, canvas, 0.0 if self.mean is None else self.mean)

    def _remember(self, parts):
        """Puts the inputs in the places of those that are remembered longest."""
        levels = tf.cast(tf.round(255.0 * parts), tf.uint8)[-self.mixup_memory :]
        seen, count = tf.convert_to_tensor(self.inputs_seen), tf.shape(levels, tf.int64)[0]
        places = (seen + tf.range(count)) % self.mixup_memory
        self.past.assign(tf.tensor_scatter_nd_update(tf.convert_to_tensor(self.past), places[:, None], levels))
        self.inputs_seen.assign(seen + count)

    def _statistics(self, views, moves):
        """Mean and standard deviation of all views so far; of these alone where there were none."""
        before = tf.convert_to_tensor(self.batches_seen)
        follow = 1.0 / tf.cast(tf.minimum(before + 1, BATCHES_FOR_STATISTICS), tf.float32)
        if not moves:
            follow = tf.where(before > 0, 0.0, 1.0)
        mean, square = (
            old + follow * (tf.reduce_mean(new) - old)
            for old, new in (
                (tf.convert_to_tensor(self.view_mean), views),
                (tf.convert_to_tensor(self.view_square), tf.square(views)),
            )
        )
        if moves:
            self.view_mean.assign(mean)
            self.view_square.assign(square)
            self.batches_seen.assign(before + 1)
        return mean, tf.sqrt(tf.maximum(square - tf.square(mean), 1e-6))

    def compute_output_shape(self, input_shape: tuple) -> tuple[tuple, tuple]:
        shape = (*input_shape[:2], self.frames, input_shape[-1])
        return shape, shape

    def get_config(self) -> dict[str, Any]:
        names = ("frames", "mixup", "mixup_memory", "canvas", "frequency_scale", "time_scale", "mean", "std", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _require(right, name, value, words):
    if not right:
        raise InputError(f"`{name}` must be {words}. Received: {name}={value!r}")
