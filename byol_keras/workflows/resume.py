"""What `byol-keras pretrain --resume` does, from top to bottom."""

import os
from collections.abc import Sequence
from typing import Any

from ..callbacks import load_checkpoint
from ..callbacks.checkpoint import check_intervals
from ..data import open_source
from ..data.batch_order import steps_per_epoch
from ..data.broken import list_names
from ..data.service import check_services
from ..errors import InputError
from ..runs.audio_recipe import AudioRecipe, check_audio_training
from ..runs.build import as_recipe_takes, build_probe, run_model
from ..runs.image_list import in_listed_order
from ..runs.leg import extended, legs_of
from ..runs.run import Run
from ..runs.run_config import load_run
from ..runs.strategy import chief_lock, is_chief, open_strategy, wait_for_all, worker_count
from ..runs.training import train_run
from ..utils.extras import require_extra
from ..utils.part_file import remove_parts
from ..utils.progress import print_beside

# What other commands make with a run's encoder and store in the run; embeddings/ knows which it was.
MADE = ("results", "classifier", "labeled", "detection*", "segmentation*")


def resume(
    out: str | os.PathLike,
    epochs: float | None = None,
    stop_on_collapse: bool = False,
    strategy: str | None = None,
    data_service: Sequence[str] = (),
    **checkpoints: Any,
) -> Run:
    """Goes on with the run in `out` where it stopped, at any step, as if it never had; or extends one that is finished.

    An extension is a new leg, from the last checkpoint: the learning rate rises from 0 to its peak over the recipe's
    warm-up and falls to 0 along a cosine, tau rises from the recipe's `tau_base` to 1, both over the steps that are
    added, with an optimizer that begins anew. The epochs, the order of the images and history.csv go on. It is resumed
    as any run, and until it ends encoder.keras is the one of before.

    Images that have come to its source since are not trained on. Of those that have gone, a few are named, and the next
    in order take their places.

    Args:
        out: the run.
        epochs: to extend a finished run to, more than it was trained for; None to go on with one that stopped.
        stop_on_collapse, strategy, data_service, **checkpoints: as for `pretrain`; strategy and services need not be
            those of before.

    Returns:
        `Run`.

    Raises:
        InputError: where there is no run, it was changed, none of its checkpoints can be used, or too many of its
            images are gone; without `epochs` for a finished run, with them for one that is not, or that has as many.
        Interrupted: as `pretrain`.
    """
    check_intervals(**checkpoints)
    run, devices = _to_resume(out, epochs), open_strategy(strategy)
    _require_sources(run)
    if run.probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    if isinstance(run.recipe, AudioRecipe):
        check_audio_training(strategy, data_service, None)
    with chief_lock(run.folder, devices):
        # Another process may have been here since it was looked at.
        run = _to_resume(out, epochs)
        run.require_unchanged()
        if is_chief(devices):
            remove_parts(run.folder)
        source, missing = in_listed_order(run, open_source(run.data, value_range=run.value_range))
        source = as_recipe_takes(source, run.recipe, run.channels)
        check_services(data_service, source, run.recipe.batch_size // worker_count(devices))
        if missing:
            print_beside(
                f"{run.data}: {len(missing):,} images are gone since the run was begun, and the next ones take their "
                f"places: {list_names(missing)}"
            )
        with devices.scope():
            model = load_checkpoint(run.checkpoints_path)
        steps = steps_per_epoch(source, run.recipe.batch_size)
        if epochs is not None:
            run = extended(run, epochs)
            if legs_of(run, steps)[-1].steps == 0:
                raise InputError(f"`epochs` must add a step, and an epoch has {steps}. Received: epochs={epochs}")
        if model is None and run.legs:
            raise InputError(
                f"{run.checkpoints_path} has no checkpoint to extend the run from. A new run can begin with the "
                "weights of this one: `start_from`."
            )
        if model is None:
            with devices.scope():
                model = run_model(run, steps)
        online_knn = build_probe(run.probe, run.recipe, run.channels, run.value_range)
        wait_for_all(devices)  # until all have read what the first one may now write over
        if epochs is not None and is_chief(devices):
            run.write_config()  # from now on it is resumed without `epochs`
        run = train_run(run, model, source, online_knn, checkpoints, stop_on_collapse, data_service)
    if run.legs and (made := [path.name for name in MADE for path in sorted(run.folder.glob(name))]):
        print(f"In {run.folder}, {', '.join(made)} came of the encoder that it had before: make them anew.", flush=True)
    return run


def _require_sources(run):
    """Raises InputError where what a run is trained on, or watched by, is not where it was."""
    for field, without in (("data", ""), ("probe", ", or null to go on without it")):
        place = getattr(run, field)
        if place is not None and not place.startswith("tfds:") and not os.path.lexists(place):
            raise InputError(
                f'The {field} of this run is not there any more: {place}. Put it back; or write as "{field}" into '
                f"{run.folder / 'config.json'} where it is now{without}."
            )


def _to_resume(out, epochs):
    """The run in a folder; InputError unless it can be resumed, or extended to so many epochs."""
    run = load_run(out)
    if epochs is not None:
        extended(run, epochs)
    elif run.is_finished:
        raise InputError(
            f"{run.folder} is finished: its encoder.keras is there. Nothing to resume; `epochs` above "
            f"{run.recipe.epochs:g} would extend it."
        )
    return run
