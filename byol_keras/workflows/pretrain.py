"""What `byol-keras pretrain` does, from top to bottom."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from ..callbacks import Checkpoint, CSVHistory, InputCheck, OnlineKNN, TargetEMA, TensorBoardImages
from ..data import open_source
from ..data.exclude import excluding
from ..data.images import evenly
from ..data.open import absolute_data
from ..data.train_pipeline import steps_per_epoch, two_view_batches
from ..errors import InputError
from ..models.resnet import check_resnet
from ..precision import cast_model, dtype_policy
from ..runs.build import build_model, build_views, pixel_statistics
from ..runs.load import load_checkpoint
from ..runs.recipe import Recipe
from ..runs.run import Run, check_is_new, load_run
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra

# Embedded after every epoch, so no more than a standard deviation of one point needs.
IMAGES_FOR_PROBE = 2000


def pretrain(
    data: str,
    out: str | os.PathLike,
    recipe: Recipe,
    seed: int = 0,
    exclude: Sequence[str] = (),
    probe: str | None = None,
) -> Run:
    """Trains an encoder on the images of `data` and leaves everything in the folder `out`.

    Args:
        data: see `data.open_source`.
        out: the new run.
        recipe: decides how it trains.
        seed: from 0 to 2**32 - 1; one machine, one seed and one recipe give one result.
        exclude: images and folders below `data` that training must not see.
        probe: labeled images to watch training by, see `OnlineKNN`, or None. They do not change it.

    Returns:
        `Run`.

    Raises:
        InputError: for a mistake in what was passed, before anything is written.
    """
    if probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    check_is_new(out)
    check_resnet(recipe.backbone)
    if not 0 <= seed < 2**32:
        raise InputError(f"`seed` must be a whole number from 0 to {2**32 - 1}. Received: seed={seed}")
    policy = dtype_policy(recipe.precision)
    source = excluding(open_source(data), exclude)
    online_knn = build_probe(probe, source.channels)
    steps = steps_per_epoch(source, recipe.batch_size)
    mean, std = pixel_statistics(source, recipe.image_size)
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
    )
    model = build_model(run, policy, recipe.epochs * steps, steps)
    run.write_config()
    return _train(run, model, source, online_knn)


def resume(out: str | os.PathLike) -> Run:
    """Goes on with the run in `out` from its last whole epoch, as if it had never stopped.

    Args:
        out: the run.

    Returns:
        `Run`.

    Raises:
        InputError: where there is no run, it is finished, its checkpoint cannot be loaded, or its source has more or
            fewer images than it had.
    """
    run = load_run(out)
    if run.probe is not None:
        require_extra("Watching training by labeled images", "sklearn")
    if run.encoder_path.exists():
        raise InputError(f"{run.folder} is finished: its encoder.keras is there. Nothing to resume.")
    source = excluding(open_source(run.data), run.exclude)
    if run.image_count not in (None, len(source)):
        # Epochs would be counted wrongly, and the learning rate would not end at 0.
        raise InputError(
            f"{run.data} has {len(source):,} images now, and had {run.image_count:,} when {run.folder} was begun: "
            "make it as it was, or begin a new run."
        )
    steps = steps_per_epoch(source, run.recipe.batch_size)
    if run.checkpoint_path.exists():
        model = load_checkpoint(run)
    else:
        model = build_model(run, dtype_policy(run.recipe.precision), run.recipe.epochs * steps, steps)
    return _train(run, model, source, build_probe(run.probe, run.channels))


def _train(run, model, source, online_knn):
    recipe = run.recipe
    steps = steps_per_epoch(source, recipe.batch_size)
    # Checkpoints are of whole epochs; a float16 update that overflowed is skipped and not counted.
    first_epoch = -(-int(model.optimizer.iterations) // steps)
    _say(
        f"Pretraining {recipe.backbone} ({model.encoder.count_params():,} parameters) on {len(source):,} images at "
        f"{recipe.image_size} px in {model.dtype_policy.name}: epochs {first_epoch + 1} to {recipe.epochs} of {steps} "
        "steps."
    )
    views = build_views(recipe)
    batches = two_view_batches(
        source, views, recipe.batch_size, recipe.epochs * steps, run.seed, first_step=first_epoch * steps
    )
    model.fit(
        batches,
        steps_per_epoch=steps,
        initial_epoch=first_epoch,
        epochs=recipe.epochs,
        shuffle=False,  # the batches are shuffled already
        # A bar on a terminal; one line per epoch in a log file.
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            TargetEMA(recipe.tau_base),
            # Before those that write what it finds.
            *online_knn,
            CSVHistory(run.history_path),
            keras.callbacks.TensorBoard(run.logs_path, write_graph=False),
            TensorBoardImages(run.logs_path, source, views),
            Checkpoint(run.checkpoint_path),
            InputCheck(batches),
        ],
    )
    with atomic_path(run.encoder_path) as path:
        cast_model(model.encoder, "float32").save(path)
    return run


def build_probe(data: str | None, channels: int) -> list[OnlineKNN]:
    """A list of the callback that watches training by the labeled images of `data`; empty where that is None."""
    if data is None:
        return []
    source = open_source(data)
    if source.channels != channels:
        raise InputError(
            f"Training has images with {channels} channels (1 gray, 3 color), and its probe {source.channels}. "
            f"Received: probe={data}"
        )
    try:
        return [OnlineKNN(source.subset(evenly(len(source), IMAGES_FOR_PROBE)))]
    except InputError as error:
        raise InputError(f"{error} Received: probe={data}") from error


def _say(text):
    print(text, flush=True)
