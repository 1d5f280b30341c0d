"""What `byol-keras doctor` does: what limits a run, or images before there is one."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np

from ..callbacks import StepClock, load_checkpoint
from ..callbacks.csv_history import read_history
from ..callbacks.input_check import SECONDS_TO_MEASURE, seconds_per_batch
from ..data import from_arrays, open_source
from ..data.batch_order import steps_per_epoch
from ..data.channels import fitting_channels, with_channels
from ..data.eval_pipeline import ordered_batches
from ..data.images import ImageSource, evenly, shorter_side
from ..data.lost_files import naming_lost_files
from ..data.train_pipeline import two_view_batches
from ..data.view_sample import view_sample
from ..errors import InputError
from ..evaluation import embed, view_match
from ..evaluation.pixels import color_agreement, near_copies
from ..models.resnet import build_resnet
from ..runs.audio_recipe import require_image_run
from ..runs.build import as_recipe_takes, build_views, pixel_statistics, untrained_encoder
from ..runs.findings import Measured, findings
from ..runs.image_list import in_listed_order
from ..runs.image_size import fitting_size
from ..runs.recipe import Recipe
from ..runs.run import Run
from ..runs.run_config import load_run

# Images looked at: for their embeddings evenly taken, for copies in blocks, since the next one in a folder is the
# likeliest copy of one.
LOOKED_AT, BLOCK = 400, 20
COPY_SIZE = 32
# More steps than are ever timed.
MANY = 100_000


def examine_run(folder: str | os.PathLike) -> tuple[Measured, list[str]]:
    """Finds out what limits a run: by its history, some hundred of its images, its encoder and a few seconds of it.

    Args:
        folder: a run, finished or not. Nothing in it is changed.

    Returns:
        What was measured; and what was found, see `runs.findings`.

    Raises:
        InputError: where there is no run, no encoder in it yet, or its images cannot be read any more.
    """
    run = load_run(folder)
    require_image_run(run.recipe, "doctor")
    source, _ = in_listed_order(run, open_source(run.data, value_range=run.value_range))
    source = with_channels(source, run.channels)
    model = _last_checkpoint(run)
    encoder = run.encoder if model is None or run.is_finished else model.encoder
    updates = run.recipe.total_steps(steps_per_epoch(source, run.recipe.batch_size))
    measured = _look(source, run.recipe, updates, untrained_encoder(run))
    match, color = match_and_color(source, run.recipe, encoder)
    measured = replace(
        measured,
        match=match,
        color=color,
        history=read_history(run.history_path),
        input_share=None if model is None else _input_share(model, run, source),
    )
    return measured, findings(run.recipe, measured)


def _last_checkpoint(run):
    try:
        return load_checkpoint(run.checkpoints_path)
    except InputError:
        if not run.is_finished:
            raise
        said = f"{run.checkpoints_path} has no checkpoint that can be used, so no step is timed."
        print(said, file=sys.stderr, flush=True)
        return None


def examine_data(
    data: str,
    recipe: Recipe,
    auto_size: bool = True,
    value_range: Sequence[float] | None = None,
    channels: int | None = None,
) -> tuple[Measured, list[str]]:
    """Finds out what would limit a run on some images, before there is one.

    Args:
        data: see `data.open_source`.
        recipe: that they would be trained by.
        auto_size: whether its image size is that which `pretrain` would choose without a time limit.
        value_range: as for `open_source`.
        channels: as which the images are read; None for those that they are stored in.

    Returns:
        As `examine_run`, without what only training shows.
    """
    source = open_source(data, value_range=value_range)
    if source.sample_rate is not None:
        raise InputError(f"{data} holds recordings, and doctor knows images only.")
    source = as_recipe_takes(source, recipe, channels or fitting_channels(source))
    if auto_size:
        recipe = replace(recipe, image_size=fitting_size(shorter_side(source)))
    mean, std = pixel_statistics(source, recipe.image_size)
    shape = (recipe.image_size, recipe.image_size, source.channels)
    keras.utils.set_random_seed(0)
    encoder = build_resnet(recipe.backbone, input_shape=shape, mean=mean, std=std)
    updates = recipe.total_steps(steps_per_epoch(source, recipe.batch_size))
    measured = _look(source, recipe, updates, encoder)
    return measured, findings(recipe, measured)


def _look(source, recipe, updates, untrained):
    match, color = match_and_color(source, recipe, untrained)
    return Measured(
        images=len(source),
        updates=updates,
        copies=float(near_copies(_squares(source.subset(neighboring(len(source))), COPY_SIZE)).mean()),
        untrained_match=match,
        untrained_color=color,
    )


def match_and_color(source: ImageSource, recipe: Recipe, encoder: keras.Model) -> tuple[float, float]:
    """How often two views of an image find each other, and how often the nearest image is one of like color.

    Args:
        source: of which LOOKED_AT images are looked at.
        recipe: whose views they are.
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).

    Returns:
        `evaluation.view_match` and `evaluation.color_agreement`.
    """
    source = source.subset(evenly(len(source), LOOKED_AT))
    with naming_lost_files(source):
        views = view_sample(source, build_views(recipe), 1)
    first, second = (embed(encoder, from_arrays(view)) for view in views)
    return view_match(first, second), color_agreement(embed(encoder, source), _squares(source, COPY_SIZE))


def _squares(source, size):
    with naming_lost_files(source):
        return np.concatenate([*ordered_batches(source, size).as_numpy_iterator()])


def neighboring(total: int) -> np.ndarray:
    """Places of LOOKED_AT of `total` images, in blocks of neighbors that are evenly taken: (n,) int."""
    starts = evenly(max(1, total - BLOCK + 1), LOOKED_AT // BLOCK)
    return np.unique((starts[:, None] + np.arange(BLOCK)).clip(0, total - 1))


def _input_share(model, run: Run, source: ImageSource):
    """What making a batch takes of the time of a training step."""
    batches = two_view_batches(source, build_views(run.recipe), run.recipe.batch_size, MANY, run.seed)
    clock = StepClock(SECONDS_TO_MEASURE)
    model.fit(batches, steps_per_epoch=MANY, callbacks=[clock], verbose=0, shuffle=False)
    return seconds_per_batch(batches) / clock.step
