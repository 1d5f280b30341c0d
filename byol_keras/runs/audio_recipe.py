"""The recipe of runs on recordings, and its preset."""

import dataclasses
from collections.abc import Sequence

from ..errors import InputError
from .recipe_fields import (
    BELOW_1,
    POSITIVE_RANGE,
    UP_TO_MILLION,
    WHOLE_FROM_0,
    TrainingRecipe,
    recipe_field,
    view_field,
)

FROM_1 = (lambda value: value[0] >= 1 and value[1] >= 1, "two numbers from 1")


@dataclasses.dataclass(frozen=True)
class AudioRecipe(TrainingRecipe):
    """Everything that decides how a run on recordings trains, but for the recordings and the seed.

    Its views are those of BYOL for Audio, with the paper's values: Niizumi et al. 2021, see `AudioViews`.

    Raises:
        InputError: for a value that a field cannot have.

    Example:
        recipe = dataclasses.replace(bk.recipes.audio(), epochs=50)
    """

    sample_rate: int = recipe_field(
        "of the recordings, samples a second; 0: their commonest, at most 16,000", WHOLE_FROM_0, 0
    )
    frames: int = view_field("columns of a spectrogram that are heard at once, 10 ms each", UP_TO_MILLION, 96)
    mixup: float = view_field("largest share of another recording that is mixed into a view", BELOW_1, 0.4)
    mixup_memory: int = view_field("recordings of before that may be mixed in", UP_TO_MILLION, 2048)
    canvas: tuple[float, float] = view_field(
        "height and width of what a crop may reach over, in sizes of a spectrogram", FROM_1, (1.0, 1.5)
    )
    frequency_scale: tuple[float, float] = view_field(
        "height of a crop, in heights of a spectrogram, uniform", POSITIVE_RANGE, (0.6, 1.5)
    )
    time_scale: tuple[float, float] = view_field(
        "width of a crop, in widths of a spectrogram, uniform", POSITIVE_RANGE, (0.6, 1.5)
    )

    @property
    def view_size(self) -> tuple[int, int]:
        from ..models.log_mel import MEL_BANDS

        return MEL_BANDS, self.frames

    @property
    def described_size(self) -> str:
        return f"{self.frames / 100:g} s of {self.sample_rate:,} Hz"


def audio() -> AudioRecipe:
    """A small encoder of recordings on a CPU: the training of `short`, with the views of BYOL for Audio.

        byol-keras pretrain --data fsdd/train --out runs/fsdd --recipe audio

    On the 2,700 spoken digits of FSDD: a linear probe tells 98.6 % of the digits, 78.9 before training and 94.0 by the
    statistics of the bands, three seeds; 12 minutes of one core of an AMD EPYC. With few labels of clean recordings no
    mix-up is better: 50.0 % with 27 labels, with it 46.3, the statistics 46.6. See benchmarks/RESULTS.md.
    """
    return AudioRecipe(
        backbone="resnet8",
        epochs=20,
        batch_size=32,
        optimizer="muon",
        learning_rate=1e-2,
        weight_decay=1e-4,
        warmup_epochs=0.5,
        tau_base=0.97,
        hidden_width=1024,
        coding_rate_weight=1.0,
    )


def check_audio_training(strategy: str | None, data_service: Sequence[str], channels: int | None) -> None:
    """Raises InputError for what views of recordings cannot be made with."""
    channels = None if channels == 1 else channels  # which a run's config.json says
    for name, value in (("strategy", strategy), ("data_service", data_service), ("channels", channels)):
        if value:
            raise InputError(
                "Runs on recordings train in one process on one device, whose views remember recordings of before, "
                f"and a spectrogram has one channel: leave it out. Received: {name}={value!r}"
            )


def require_image_run(recipe: TrainingRecipe, command: str) -> None:
    """Raises InputError where a run is on recordings, and `command` knows images only."""
    if isinstance(recipe, AudioRecipe):
        raise InputError(f"This is a run on recordings, and {command} knows images only.")
