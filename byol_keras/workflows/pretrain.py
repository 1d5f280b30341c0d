"""What `byol-keras pretrain` does, from top to bottom."""

import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..callbacks import load_checkpoint
from ..callbacks.checkpoint import check_intervals
from ..data import open_source
from ..data.exclude import excluding
from ..data.open import absolute_data
from ..data.train_pipeline import steps_per_epoch
from ..data.validate import list_names
from ..data.variety import Variety
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..models.resnet import check_resnet
from ..models.training_memory import require_training_memory
from ..precision import dtype_policy
from ..runs.build import build_model, build_probe, pixel_statistics
from ..runs.image_list import in_listed_order, write_image_list
from ..runs.recipe import Recipe
from ..runs.run import Run, check_is_new, load_run
from ..runs.start import start_encoder, start_statistics
from ..runs.training import epochs_within, train_run
from ..utils.atomic import make_parent
from ..utils.extras import require_extra
from ..utils.lock import exclusive
from ..utils.part_file import remove_parts


def pretrain(
    data: str,
    out: str | os.PathLike,
    recipe: Recipe,
    seed: int = 0,
    exclude: Sequence[str] = (),
    probe: str | None = None,
    start_from: str | os.PathLike | None = None,
    budget: float | None = None,
    begun: float | None = None,
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
        budget: minutes for all of it: the step is timed, and the recipe's epochs are set so that training ends in time;
            None to train for the epochs of the recipe.
        begun: where `time.monotonic` was when those minutes began; None for now.
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
    if budget is not None and not 0 < budget < math.inf:
        raise InputError(f"`budget` must be a number of minutes above 0. Received: budget={budget}")
    begun = time.monotonic() if begun is None else begun
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
    if budget is not None:
        left = 60 * budget - (time.monotonic() - begun)
        recipe = replace(recipe, epochs=epochs_within(run, model, source, online_knn, left))
        run = replace(run, recipe=recipe)
        model = build_model(run, policy, recipe.total_steps(steps), steps)
    make_parent(run.image_list_path)
    with exclusive(run.folder):
        # Another process may have been here since it was looked at.
        check_is_new(out)
        write_image_list(run, source)
        run.write_config()  # from now on it can be resumed
        return train_run(run, model, source, online_knn, checkpoints)


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
        return train_run(run, model, source, build_probe(run.probe, run.channels), checkpoints)


def _warn(text):
    print(text, file=sys.stderr, flush=True)


def _say(text):
    print(text, flush=True)
