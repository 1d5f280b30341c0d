"""The channels, the image size and the epochs that suit the images and the time there is."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace

from ..byol import BYOL
from ..callbacks import OnlineKNN
from ..data.batch_order import steps_per_epoch
from ..data.channels import fitting_channels
from ..data.images import ImageSource, shorter_side
from ..models.mel_input import mel_rate
from ..models.training_memory import require_training_memory
from ..utils.progress import print_now
from .audio_recipe import AudioRecipe
from .build import pixel_statistics, run_model
from .image_size import describe_size, fitting_size
from .load import load_encoder
from .run import Run
from .start import start_encoder
from .training import epochs_within

# Of the epochs there is time for, the most that the learning rate may rise in: it has to fall in the others.
WARMUP_SHARE = 0.1


def first_channels(source: ImageSource, start_from: str | os.PathLike | None) -> int:
    """The channels to read images with; said, where gray ones would be read as color without.

    Args:
        source: `ImageSource`.
        start_from: a run or a .keras file that the encoder starts from, or None.

    Returns:
        int: as many as the encoder that it starts from takes; else 1 where all images are gray; else what they have.
    """
    if start_from is not None:
        return load_encoder(start_from).input_shape[-1]
    channels = fitting_channels(source)
    if channels != source.channels:
        print_now(f"Channels: {channels}, as all images are gray; `channels` sets another.")
    return channels


def first_rate(source: ImageSource, recipe: AudioRecipe, start_from: str | os.PathLike | None) -> int:
    """The sample rate of a run on recordings: the recipe's, of the encoder that it starts from, or theirs.

    Args:
        source: `ImageSource` of recordings.
        recipe: `AudioRecipe`.
        start_from: a run or a .keras file that the encoder starts from, or None.
    """
    if recipe.sample_rate:
        return recipe.sample_rate
    return source.sample_rate if start_from is None else mel_rate(load_encoder(start_from)) or source.sample_rate


def first_size(source: ImageSource, start_from: str | os.PathLike | None, budget: float | None) -> int:
    """The image size to begin with; said, unless steps of it are to be timed first.

    Args:
        source: `ImageSource`.
        start_from: a run or a .keras file that the encoder starts from, or None.
        budget: minutes there are, or None.

    Returns:
        int, pixels.
    """
    if start_from is not None:
        size = min(start_encoder(start_from, source.channels).input_shape[1:3])
        print_now(f"Image size: {size} px, that of the encoder it starts from; `image_size` sets another.")
        return size
    side = shorter_side(source)
    size = fitting_size(side)
    if budget is None:
        print_now(describe_size(size, side))
    return size


def within(
    run: Run,
    model: BYOL,
    source: ImageSource,
    online_knn: Sequence[OnlineKNN],
    end: float,
    auto_size: bool,
    services: Sequence[str] = (),
) -> Run:
    """The run with the epochs, and with `auto_size` at the image size, that end in time; with a warm-up that fits them.

    Args:
        run, model, source, online_knn, services: as for `epochs_within`.
        end: of all of it, as `time.monotonic` tells time.
        auto_size: whether the image size follows from the time there is.
    """
    epochs = epochs_within(run, model, source, online_knn, end - time.monotonic(), services)
    if auto_size and run.start_from is None:
        side, steps = shorter_side(source), steps_per_epoch(source, run.recipe.batch_size)
        size = fitting_size(side, epochs * steps)
        print_now(describe_size(size, side, timed=True))
        if size != run.recipe.image_size:
            mean, std = pixel_statistics(source, size)
            run = replace(run, recipe=replace(run.recipe, image_size=size), mean=mean, std=std)
            with model.distribute_strategy.scope():
                model = run_model(run, steps)
            require_training_memory(model.encoder, run.recipe.batch_size)
            # Timed again: what the square of the side says is good enough to choose by, not to end by.
            epochs = epochs_within(run, model, source, online_knn, end - time.monotonic(), services)
    warmup = min(run.recipe.warmup_epochs, round(WARMUP_SHARE * epochs, 4))
    if warmup < run.recipe.warmup_epochs:
        print_now(f"Warm-up: {warmup:g} epochs, a tenth of them, and not {run.recipe.warmup_epochs:g}.")
    return replace(run, recipe=replace(run.recipe, epochs=epochs, warmup_epochs=warmup))
