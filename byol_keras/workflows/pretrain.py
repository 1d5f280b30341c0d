"""What `byol-keras pretrain` does, from top to bottom."""

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ..callbacks import (
    Checkpoint,
    CSVHistory,
    FiniteCheck,
    InputCheck,
    TargetEMA,
    TensorBoardImages,
    TimeLeft,
    load_checkpoint,
)
from ..callbacks.checkpoint import check_intervals
from ..data import open_source
from ..data.exclude import excluding
from ..data.lost_files import lost_files
from ..data.open import absolute_data
from ..data.train_pipeline import batch_indices, steps_per_epoch, two_view_batches
from ..data.validate import MAX_BROKEN_SHARE, list_broken, list_names
from ..data.variety import Variety
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..models.resnet import check_resnet
from ..models.training_memory import require_training_memory
from ..precision import cast_model, dtype_policy
from ..runs.build import build_model, build_probe, build_views, pixel_statistics
from ..runs.image_list import filled, in_listed_order, write_image_list
from ..runs.recipe import Recipe
from ..runs.run import Run, check_is_new, load_run
from ..runs.start import start_encoder, start_statistics
from ..utils.atomic import atomic_path, make_parent
from ..utils.extras import require_extra
from ..utils.lock import exclusive
from ..utils.part_file import remove_parts
from ..utils.stop_signal import held_signals

# Where one image cannot be read any more, the next ones to come are looked at as well, some seconds' worth.
SUSPECTS = 1000


def pretrain(
    data: str,
    out: str | os.PathLike,
    recipe: Recipe,
    seed: int = 0,
    exclude: Sequence[str] = (),
    probe: str | None = None,
    start_from: str | os.PathLike | None = None,
    **checkpoints: Any,
) -> Run:
    """Trains an encoder on the images of `data` and leaves everything in the folder `out`.

    Args:
        data: see `data.open_source`.
        out: the new run.
        recipe: decides how it trains.
        seed: from 0 to 2**32 - 1; one machine, one seed and one recipe give one result.
        exclude: images and folders below `data` that training must not see.
        probe: labeled images to watch training by, see `OnlineKNN`, or None. They do not change it.
        start_from: a run or a .keras file of the same backbone, whose weights and normalization the encoder starts
            with; None for random weights.
        **checkpoints: `minutes` and `steps` between them, see `Checkpoint`.

    Returns:
        `Run`.

    Raises:
        InputError: for a mistake in what was passed, before anything is written; where the disk, the images or the
            numbers give out during training.
        Interrupted: on SIGTERM or Ctrl-C while it trains; all is saved for `resume`.
    """
    if probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    check_is_new(out)
    check_resnet(recipe.backbone)
    check_intervals(**checkpoints)
    if not 0 <= seed < 2**32:
        raise InputError(f"`seed` must be a whole number from 0 to {2**32 - 1}. Received: seed={seed}")
    policy = dtype_policy(recipe.precision)
    require_view_memory(recipe.image_size, recipe.batch_size)
    source = excluding(open_source(data), exclude)
    online_knn = build_probe(probe, source.channels)
    steps = steps_per_epoch(source, recipe.batch_size)
    variety = Variety()
    mean, std = pixel_statistics(source, recipe.image_size, variety)
    variety.require(str(data))
    if start_from is not None:
        mean, std = start_statistics(start_encoder(start_from, source.channels))
    if line := variety.report():
        _warn(f"{data}: {line}")
    run = Run(
        folder=Path(out),
        recipe=recipe,
        data=absolute_data(data),
        seed=seed,
        channels=source.channels,
        mean=mean,
        std=std,
        exclude=list(exclude),
        probe=None if probe is None else absolute_data(probe),
        image_count=len(source),
        start_from=None if start_from is None else os.path.abspath(start_from),
    )
    model = build_model(run, policy, recipe.total_steps(steps), steps)
    require_training_memory(model.encoder, recipe.batch_size)
    make_parent(run.image_list_path)
    with exclusive(run.folder):
        # Another process may have been here since it was looked at.
        check_is_new(out)
        write_image_list(run, source)
        run.write_config()  # from now on it can be resumed
        return _train(run, model, source, online_knn, checkpoints)


def resume(out: str | os.PathLike, **checkpoints: Any) -> Run:
    """Goes on with the run in `out` where it stopped, at any step, as if it never had.

    Images that have come to its source since are not trained on. Of those that have gone, a few are named, and the next
    in order take their places.

    Args:
        out: the run.
        **checkpoints: as for `pretrain`.

    Returns:
        `Run`.

    Raises:
        InputError: where there is no run, it is finished or was changed, none of its checkpoints can be used, or too
            many of its images are gone.
        Interrupted: as `pretrain`.
    """
    check_intervals(**checkpoints)
    run = load_run(out)
    if run.probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    if run.encoder_path.exists():
        raise InputError(f"{run.folder} is finished: its encoder.keras is there. Nothing to resume.")
    with exclusive(run.folder):
        run.require_unchanged()
        remove_parts(run.folder)
        source, missing = in_listed_order(run, open_source(run.data))
        if missing:
            _warn(
                f"{run.data}: {len(missing):,} images are gone since the run was begun, and the next ones take their "
                f"places: {list_names(missing)}"
            )
        model = load_checkpoint(run.checkpoints_path)
        if model is None:
            steps = steps_per_epoch(source, run.recipe.batch_size)
            model = build_model(run, dtype_policy(run.recipe.precision), run.recipe.total_steps(steps), steps)
        return _train(run, model, source, build_probe(run.probe, run.channels), checkpoints)


def _train(run, model, source, online_knn, checkpoint):
    recipe = run.recipe
    views = build_views(recipe)
    checkpoint = Checkpoint(run.checkpoints_path, **checkpoint)
    callbacks = [
        TargetEMA(recipe.tau_base),
        FiniteCheck(),
        # Before those that write what it finds.
        *online_knn,
        CSVHistory(run.history_path),
        keras.callbacks.TensorBoard(run.logs_path, write_graph=False),
        TensorBoardImages(run.logs_path, source, views),
        TimeLeft(),
        # Last, so that what the others do at the end of an epoch is done when that is saved.
        checkpoint,
    ]
    with held_signals() as checkpoint.stop:
        _fit(run, model, source, views, callbacks, checkpoint)
        with atomic_path(run.encoder_path, make_folder=False) as path:
            cast_model(model.encoder, "float32").save(path)
    return run


def _fit(run, model, source, views, callbacks, checkpoint):
    """All steps that are left; an image that is lost meanwhile is named, and the next one takes its place."""
    recipe = run.recipe
    batch_size, steps = recipe.batch_size, steps_per_epoch(source, recipe.batch_size)
    total_steps = recipe.total_steps(steps)
    lost = set()
    while True:
        step = int(model.steps)
        _say(
            f"Pretraining {recipe.backbone} ({model.encoder.count_params():,} parameters) on {len(source):,} images "
            f"at {recipe.image_size} px in {model.dtype_policy.name}: epochs {step // steps + 1} to {recipe.epochs:g} "
            f"of {steps} steps" + (f", from step {step % steps + 1}." if step % steps else ".")
        )

        @functools.cache
        def batches_from(step, source=source):
            return two_view_batches(source, views, batch_size, total_steps, run.seed, first_step=step)

        try:
            model.resume_fit(
                batches_from,
                recipe.epochs,
                steps,
                [*callbacks[:-1], InputCheck(batches_from(step)), callbacks[-1]],
                # A bar on a terminal; one line per epoch in a log file.
                verbose=1 if sys.stdout.isatty() else 2,
            )
            return
        except tf.errors.OpError:
            step = int(model.steps)
            ahead = range(step, min(step + 1 + SUSPECTS // batch_size, total_steps))
            suspects = {int(i) for each in ahead for i in batch_indices(source, batch_size, run.seed, each)}
            found = lost_files(source, suspects)
            if not found:
                raise
        lost |= {source.names[index] for index in found}
        # One that has taken another's place is found there as well.
        said = list_broken(list({source.names[index]: reason for index, reason in found.items()}.items()))
        if len(lost) > MAX_BROKEN_SHARE * len(source):
            checkpoint.save()
            raise InputError(
                f"{len(lost):,} of the {len(source):,} images cannot be read any more: {said}. Training is saved at "
                f"step {int(model.steps):,}: put them back and resume it."
            )
        _warn(f"{run.data}: these images cannot be read any more, and the next ones take their places: {said}")
        source = source.subset(filled([-1 if index in found else index for index in range(len(source))]))


def _warn(text):
    print(text, file=sys.stderr, flush=True)


def _say(text):
    print(text, flush=True)
