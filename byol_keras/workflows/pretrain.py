"""What `byol-keras pretrain` does, from top to bottom."""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..callbacks.checkpoint import check_intervals
from ..data import open_source
from ..data.batch_order import steps_per_epoch
from ..data.exclude import excluding
from ..data.open import absolute_data
from ..data.service import check_services
from ..data.train_pipeline import require_equal_parts
from ..data.value_range import checked_range
from ..data.variety import Variety
from ..data.view_memory import require_view_memory
from ..errors import InputError
from ..models.fingerprint import fingerprint
from ..models.resnet import check_resnet
from ..models.training_memory import expected_memory, require_training_memory
from ..runs.audio_recipe import AudioRecipe, check_audio_training
from ..runs.build import as_recipe_takes, build_probe, pixel_statistics, run_model
from ..runs.fitting import first_channels, first_rate, first_size, within
from ..runs.image_list import write_image_list
from ..runs.load import value_range_of
from ..runs.recipe_fields import TrainingRecipe
from ..runs.run import Run, check_is_new
from ..runs.start import start_encoder, start_statistics
from ..runs.strategy import chief_lock, is_chief, open_strategy, worker_count
from ..runs.training import train_run
from ..utils.atomic import make_parent
from ..utils.extras import require_extra
from ..utils.hardware import has_accelerator
from ..utils.memory import amount, available_memory
from ..utils.progress import print_beside
from ..utils.seeds import check_seed


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
        budget: minutes for all of it: the step is timed, and the recipe's epochs are set so that training ends in time,
            with a warm-up of a tenth of them at most; None to train for the epochs of the recipe.
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
    check_seed(seed)
    devices = open_strategy(strategy)
    if budget is not None and worker_count(devices) > 1:
        raise InputError(
            f"`budget` goes by the time of one process, and there are {worker_count(devices)}: give `epochs`. "
            f"Received: budget={budget}"
        )
    require_equal_parts(recipe.batch_size, devices.num_replicas_in_sync)
    if isinstance(recipe, AudioRecipe):
        check_audio_training(strategy, data_service, channels)
    elif not auto_size:
        require_view_memory(recipe.image_size, recipe.batch_size)
    if value_range is None and start_from is not None:
        value_range = value_range_of(start_from)
    source = excluding(open_source(data, value_range=value_range), exclude)
    if value_range is None:
        value_range = source.value_range  # what an .npz says of itself, all images of the encoder are to have
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
    start_weights = None
    if start_from is not None:
        start = start_encoder(start_from, source.channels)
        (mean, std), start_weights = start_statistics(start), fingerprint(start)
    if line := variety.report():
        print_beside(f"{data}: {line}")
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
        start_weights=start_weights,
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
    with chief_lock(run.folder, devices):
        if is_chief(devices):
            # Another process may have been here since it was looked at.
            check_is_new(out)
            write_image_list(run, source)
            run.write_config()  # from now on it can be resumed
        return train_run(run, model, source, online_knn, checkpoints, stop_on_collapse, data_service)


def _say_memory(model, batch_size):
    if not has_accelerator():
        expected = expected_memory(model.encoder, model.count_params(), batch_size)
        free = amount(available_memory())
        print(f"Training will take about {amount(expected)} of memory; {free} are free.", flush=True)
