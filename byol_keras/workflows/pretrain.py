"""What `byol-keras pretrain` does, from top to bottom."""

import contextlib
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
from ..data.service import check_services
from ..data.train_pipeline import require_equal_parts, steps_per_epoch
from ..data.validate import list_names
from ..data.value_range import checked_range
from ..data.variety import Variety
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..models.resnet import check_resnet
from ..models.training_memory import expected_memory, require_training_memory
from ..runs.audio_recipe import AudioRecipe
from ..runs.build import as_recipe_takes, build_probe, pixel_statistics, run_model
from ..runs.fitting import first_channels, first_rate, first_size, within
from ..runs.image_list import in_listed_order, write_image_list
from ..runs.leg import extended, legs_of
from ..runs.load import value_range_of
from ..runs.recipe_fields import TrainingRecipe
from ..runs.run import Run, check_is_new, load_run
from ..runs.start import start_encoder, start_statistics
from ..runs.strategy import is_chief, open_strategy, wait_for_all, worker_count
from ..runs.training import train_run
from ..utils.atomic import make_parent
from ..utils.extras import require_extra
from ..utils.hardware import has_accelerator
from ..utils.lock import exclusive
from ..utils.memory import amount, available_memory
from ..utils.part_file import remove_parts

# What other commands make with a run's encoder and store in the run; embeddings/ knows which it was.
MADE = ("results", "classifier", "labeled", "detection*", "segmentation*")


def pretrain(
    data: str,
    out: str | os.PathLike,
    recipe: TrainingRecipe,
    seed: int = 0,
    exclude: Sequence[str] = (),
    probe: str | None = None,
    start_from: str | os.PathLike | None = None,
    budget: float | None = None,
    begun: float | None = None,
    auto_size: bool = False,
    stop_on_collapse: bool = False,
    strategy: str | None = None,
    data_service: Sequence[str] = (),
    channels: int | None = None,
    value_range: Sequence[float] | None = None,
    **checkpoints: Any,
) -> Run:
    """Trains an encoder on the images of `data` and leaves everything in the folder `out`.

    Under a strategy a step is the same as without one, on any number of devices. Of several workers each is given the
    same arguments and the same images; the first one writes, so `out` must be one folder for all to be resumed.

    Args:
        data: see `data.open_source`.
        out: the new run.
        recipe: decides how it trains: `Recipe` for images, `AudioRecipe` for recordings.
        seed: from 0 to 2**32 - 1; one machine, one seed and one recipe give one result.
        exclude: images and folders below `data` that training must not see.
        probe: labeled images to watch training by, see `OnlineKNN`, or None. They do not change it.
        start_from: a run or a .keras file of the same backbone, whose weights and normalization the encoder starts
            with; None for random weights.
        budget: minutes for all of it: the step is timed, and the recipe's epochs are set so that training ends in time;
            None to train for the epochs of the recipe.
        begun: where `time.monotonic` was when those minutes began; None for now.
        auto_size: whether the image size is chosen by the images and the minutes, in place of the recipe's: see
            `runs.image_size`.
        stop_on_collapse: whether training ends where `CollapseMonitor` sees a collapse, which is said in any case.
        strategy: "mirrored" or "multi-worker", see `runs.strategy.open_strategy`; None for one device.
        data_service: addresses, `grpc://host:port`, of services that make the batches in place of this process, each an
            equal part of them; the same batches, see `data.service`.
        channels: 1 to read the images as gray, 3 as RGB; None for as many as the encoder takes that it starts from, or
            by the images: 1 where all are stored in gray, else 3, of arrays and rasters as many as they have.
        value_range: see `data.open_source`; the run keeps it for all images that its encoder is to see. None for that
            of the run that it starts from, else for what each file says.
        **checkpoints: `minutes` and `steps` between them, see `Checkpoint`.

    Returns:
        `Run`.

    Raises:
        InputError: for a mistake in what was passed, before anything is written; where the disk, the images or the
            numbers give out during training, and with `stop_on_collapse` on a collapse.
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
    devices = open_strategy(strategy)
    if budget is not None and worker_count(devices) > 1:
        raise InputError(
            f"`budget` goes by the time of one process, and there are {worker_count(devices)}: give `epochs`. "
            f"Received: budget={budget}"
        )
    require_equal_parts(recipe.batch_size, devices.num_replicas_in_sync)
    if isinstance(recipe, AudioRecipe):
        _check_audio(strategy, data_service, channels)
    elif not auto_size:
        require_view_memory(recipe.image_size, recipe.batch_size)
    if value_range is None and start_from is not None:
        value_range = value_range_of(start_from)
    source = excluding(open_source(data, value_range=value_range), exclude)
    if isinstance(recipe, AudioRecipe) and source.sample_rate is not None:
        recipe = replace(recipe, sample_rate=first_rate(source, recipe, start_from))
    elif channels is None:
        channels = first_channels(source, start_from)
    source = as_recipe_takes(source, recipe, channels)
    check_services(data_service, source, recipe.batch_size // worker_count(devices))
    online_knn = build_probe(probe, recipe, source.channels, value_range)
    steps = steps_per_epoch(source, recipe.batch_size)
    if auto_size:
        recipe = replace(recipe, image_size=first_size(source, start_from, budget))
    variety = Variety()
    mean, std = pixel_statistics(source, recipe.view_size, variety)
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
        value_range=None if value_range is None else list(checked_range(value_range)),
    )
    with devices.scope():
        model = run_model(run, steps)
    require_training_memory(model.encoder, recipe.batch_size // worker_count(devices))
    _say_memory(model, recipe.batch_size // worker_count(devices))
    if budget is not None:
        run = within(run, model, source, online_knn, begun + 60 * budget, auto_size, data_service)
        with devices.scope():
            model = run_model(run, steps)
    if is_chief(devices):
        make_parent(run.image_list_path)
    with _exclusive(run, devices):
        if is_chief(devices):
            # Another process may have been here since it was looked at.
            check_is_new(out)
            write_image_list(run, source)
            run.write_config()  # from now on it can be resumed
        return train_run(run, model, source, online_knn, checkpoints, stop_on_collapse, data_service)


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
    if run.probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    if isinstance(run.recipe, AudioRecipe):
        _check_audio(strategy, data_service, None)
    with _exclusive(run, devices):
        # Another process may have been here since it was looked at.
        run = _to_resume(out, epochs)
        run.require_unchanged()
        if is_chief(devices):
            remove_parts(run.folder)
        source, missing = in_listed_order(run, open_source(run.data, value_range=run.value_range))
        source = as_recipe_takes(source, run.recipe, run.channels)
        check_services(data_service, source, run.recipe.batch_size // worker_count(devices))
        if missing:
            _warn(
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
        _say(f"In {run.folder}, {', '.join(made)} came of the encoder that it had before: make them anew.")
    return run


def _check_audio(strategy, data_service, channels):
    """Raises InputError for what views of recordings cannot be made with."""
    for name, value in (("strategy", strategy), ("data_service", data_service), ("channels", channels)):
        if value:
            raise InputError(
                "Runs on recordings train in one process on one device, whose views remember recordings of before, "
                f"and a spectrogram has one channel: leave it out. Received: {name}={value!r}"
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


def _exclusive(run, devices):
    """The run's lock, of the worker that writes it."""
    return exclusive(run.folder) if is_chief(devices) else contextlib.nullcontext()


def _say_memory(model, batch_size):
    if not has_accelerator():
        expected = expected_memory(model.encoder, model.count_params(), batch_size)
        _say(f"Training will take about {amount(expected)} of memory; {amount(available_memory())} are free.")


def _warn(text):
    print(text, file=sys.stderr, flush=True)


def _say(text):
    print(text, flush=True)
