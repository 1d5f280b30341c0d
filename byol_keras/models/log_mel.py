"""From sound to the images that an encoder of recordings takes: log-mel spectrograms, as a layer."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ..augment.log_power import LOWEST, to_unit
from ..errors import InputError

# Those of BYOL for Audio (Niizumi et al. 2021, arXiv 2103.06695), at any sample rate.
MEL_BANDS = 64
HOP, WINDOW = 0.010, 0.064  # seconds
LOWEST_HERTZ = 60.0
HIGHEST_SHARE = 0.975  # of half the sample rate: 7,800 Hz at 16,000


@keras.saving.register_keras_serializable("byol_keras")
class LogMel(keras.layers.Layer):
    """Log-mel spectrograms: samples (B, n) float32 in [-1, 1] -> (B, 64, frames, 1) float32 in [0, 1].

    A frame each 10 ms, of 64 ms under a Hann window; 64 bands on the mel scale from 60 Hz to just below half the
    sample rate, the lowest one first. The natural logarithm of a band's power, -28 to 1, stands in [0, 1]: a sine of
    full scale has the power 0.5. n / hop frames, rounded up; around the samples there is silence.

    The Fourier transform is a convolution with fixed kernels, so that the layer becomes operations that are built into
    LiteRT. It has nothing to train.

    Args:
        sample_rate: int, samples per second.

    Raises:
        InputError: for a sample rate that is no whole number, or too low for so many bands.

    Example:
        spectrograms = bk.LogMel(16_000)(samples)  # (B, 15_360), 0.96 s -> (B, 64, 96, 1)
    """

    def __init__(self, sample_rate: int, **kwargs: Any):
        super().__init__(autocast=False, **{"dtype": "float32", "trainable": False, **kwargs})
        if not isinstance(sample_rate, int) or sample_rate < 1:
            raise InputError(f"`sample_rate` must be a whole number from 1. Received: sample_rate={sample_rate!r}")
        self.sample_rate = sample_rate
        self.hop, self.window = hop_length(sample_rate), round(WINDOW * sample_rate)
        self.bands = _bands(sample_rate, self.window)
        # In float64 the kernels, which are cast for the convolution: in float32 their angles would be off by 1e-4.
        self.spectrum = keras.layers.STFTSpectrogram(
            mode="psd",
            frame_length=self.window,
            frame_step=self.hop,
            fft_length=_fft_length(self.window),
            periodic=True,
            scaling="spectrum",
            padding="same",
            dtype="float64",
            autocast=False,
            trainable=False,
        )

    def build(self, input_shape: tuple) -> None:
        self.spectrum.build((*input_shape, 1))

    def call(self, samples: keras.KerasTensor) -> keras.KerasTensor:
        """(B, n) float32 -> (B, 64, ceil(n / hop), 1) float32."""
        powers = ops.matmul(self.spectrum(ops.expand_dims(samples, -1)), ops.convert_to_tensor(self.bands))
        log_power = ops.log(ops.maximum(powers, float(np.exp(LOWEST))))
        return ops.expand_dims(ops.transpose(to_unit(log_power), [0, 2, 1]), -1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, samples = input_shape
        return batch, MEL_BANDS, None if samples is None else -(-samples // self.hop), 1

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sample_rate": self.sample_rate}


def hop_length(sample_rate: int) -> int:
    """Samples from one frame to the next."""
    return max(1, round(HOP * sample_rate))


def _fft_length(window):
    """The power of two from `window` on."""
    return 1 << (window - 1).bit_length()


def _bands(sample_rate, window):
    """(bins, MEL_BANDS) float32: what each bin of the spectrum adds to a band."""
    with tf.init_scope():
        bands = (
            tf.signal.linear_to_mel_weight_matrix(
                MEL_BANDS, _fft_length(window) // 2 + 1, sample_rate, LOWEST_HERTZ, HIGHEST_SHARE * sample_rate / 2
            ).numpy()
            if HIGHEST_SHARE * sample_rate / 2 > LOWEST_HERTZ
            else np.zeros((1, MEL_BANDS), np.float32)
        )
    if not bands.any(axis=0).all():
        raise InputError(
            f"`sample_rate` must be higher: {MEL_BANDS} bands need sounds of more than {sample_rate / 2:g} Hz. "
            f"Received: sample_rate={sample_rate}"
        )
    return bands
