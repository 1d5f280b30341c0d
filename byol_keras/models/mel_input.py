"""What an encoder of recordings says of the spectrograms that it takes."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("byol_keras")
class MelInput(keras.layers.Layer):
    """Gives what it is given, and says what that is: spectrograms of `LogMel` at a sample rate.

    The first layer of an encoder of recordings, so that a file of it is enough to read others as it needs them.

    Args:
        sample_rate: int, samples per second.
    """

    def __init__(self, sample_rate: int, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.sample_rate = sample_rate

    def call(self, spectrograms: keras.KerasTensor) -> keras.KerasTensor:
        return spectrograms

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sample_rate": self.sample_rate}


def mel_rate(encoder: keras.Model) -> int | None:
    """The sample rate of the recordings whose spectrograms an encoder takes; None for one of images."""
    # Inside a classifier the encoder is a layer itself.
    for layer in getattr(encoder, "layers", ()):
        rate = layer.sample_rate if isinstance(layer, MelInput) else mel_rate(layer)
        if rate is not None:
            return rate
    return None
