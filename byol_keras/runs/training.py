"""Training a run, from where it stands to its end."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..byol import BYOL
from ..callbacks import (
    BestEncoder,
    Checkpoint,
    CollapseMonitor,
    CSVHistory,
    FiniteCheck,
    OnlineKNN,
    OnlineLidar,
    StepClock,
    TargetEMA,
    TensorBoardImages,
    TensorBoardScalars,
    TimeLeft,
)
from ..callbacks.input_check import SECONDS_TO_MEASURE
from ..data.batch_order import steps_per_epoch
from ..data.images import ImageSource
from ..data.lost_files import naming_lost_files
from ..errors import InputError
from ..precision import cast_model
from ..utils.atomic import atomic_path, make_parent, nearest_folder
from ..utils.duration import duration
from ..utils.part_file import open_part
from ..utils.progress import print_now
from ..utils.stop_signal import SAVING, held_signals
from .build import build_optimizer, build_views
from .fit import fit_leg, run_batches
from .leg import legs_of, long_warmup, schedule_line
from .run import Run
from .strategy import for_all_replicas, is_chief, wait_for_all

# Of a signal to a worker that saves nothing.
GOING_ON = "going on until the first worker stops. Once more to stop at once, which ends the others as well."
# A trial finds out how long training takes: its share of the time there is, its seconds at least, and more epochs than
# it ever gets to.
TRIAL_SHARE, TRIAL_SECONDS, TRIAL_EPOCHS = 0.04, 10.0, 1000


def train_run(
    run: Run,
    model: BYOL,
    source: ImageSource,
    online_knn: Sequence[OnlineKNN],
    checkpoint: Mapping[str, float],
    stop_on_collapse: bool = False,
    services: Sequence[str] = (),
) -> Run:
    """Trains to the end of the run, leg by leg, and leaves its encoder.keras, over that of the legs before.

    Of several workers the first one writes and the others compute.

    Args:
        run: `Run`, which this process, or the first of the workers, holds the lock of.
        model: at the step where training goes on; made under the strategy that it is trained under.
        source: `ImageSource`, the run's images.
        online_knn: see `build_probe`.
        checkpoint: `minutes` and `steps`, as for `Checkpoint`.
        stop_on_collapse: whether training ends where `CollapseMonitor` sees a collapse, which is said in any case.
        services: addresses of those that make the batches, see `data.service`; none for this process.

    Returns:
        `Run`, finished.

    Raises:
        InputError: where the disk, the images or the numbers give out; on a collapse, with all of it saved.
        Interrupted: on SIGTERM or Ctrl-C; all is saved.
    """
    strategy = model.distribute_strategy
    writes = is_chief(strategy)
    checkpoint = Checkpoint(run.checkpoints_path, **checkpoint)
    monitor = CollapseMonitor(stop=stop_on_collapse, encoder_path=run.healthy_encoder_path if writes else None)
    best = _best_encoder(run, online_knn)
    with held_signals(SAVING if writes else GOING_ON) as checkpoint.stop:
        for leg in legs_of(run, steps_per_epoch(source, run.recipe.batch_size)):
            if int(model.steps.numpy()) >= leg.last:
                continue
            # The checkpoint at a leg's first step is that of the end of the one before, whenever it is loaded.
            if leg.first and int(model.steps.numpy()) == leg.first:
                print_now(schedule_line(run.recipe, leg))
                with strategy.scope():
                    model.compile(optimizer=build_optimizer(run.recipe, leg.steps, leg.warmup_steps))
            if line := long_warmup(leg):
                print_now(line)
            callbacks = [TargetEMA(run.recipe.tau_base, leg.steps), FiniteCheck(), monitor]
            if writes:
                callbacks = [*_callbacks(run, source, [*online_knn, monitor], best, leg.steps), TimeLeft()]
            source = fit_leg(run, model, source, leg, callbacks, checkpoint, services)
            if stop_on_collapse and monitor.sign is not None:
                raise InputError("Training was stopped, and is saved as it is now: resuming it goes on in spite of it.")
        extended = bool(run.legs) and not run.is_finished
        if writes:
            _save_encoder(run, model)
            _say_best(best)
        if extended:
            # Last: a process that is killed before it writes the same encoder again.
            run = replace(run, legs=[*run.legs, run.recipe.epochs])
            if writes:
                run.write_config()
        wait_for_all(strategy)
    return run


def epochs_within(
    run: Run,
    model: BYOL,
    source: ImageSource,
    online_knn: Sequence[OnlineKNN],
    seconds: float,
    services: Sequence[str] = (),
) -> float:
    """How many epochs of a run take so many seconds, from now on; measured by training a part of them.

    Args:
        run, source, online_knn, services: as for `train_run`; nothing is written into the run.
        model: a model of the run, which is of no use afterwards.
        seconds: of the measurement, of training, and of its end.

    Returns:
        float, above 0.

    Raises:
        InputError: where that is no time for a single step.
    """
    if seconds <= 0:
        raise InputError(
            "`budget` was used up before training began: to look at images takes longer the first time. Give more."
        )
    begun, steps = time.monotonic(), steps_per_epoch(source, run.recipe.batch_size)
    batches = run_batches(run, source, TRIAL_EPOCHS * steps, services)
    clock = StepClock(max(TRIAL_SECONDS, TRIAL_SHARE * seconds))
    # Where the run will lie, whose disk has the room and sets the time of saving.
    with open_part(nearest_folder(run.folder / "trial") / "trial") as folder, naming_lost_files(source):
        make_parent(folder / "encoder.keras")
        trial = replace(run, folder=folder)
        model.fit(
            for_all_replicas(model.distribute_strategy, lambda context: batches(0, context)),
            epochs=TRIAL_EPOCHS,
            steps_per_epoch=steps,
            callbacks=[
                *_callbacks(trial, source, online_knn, _best_encoder(trial, online_knn)),
                Checkpoint(trial.checkpoints_path),
                clock,
            ],
            shuffle=False,
            verbose=0,
        )
        ended = time.monotonic()
        _save_encoder(trial, model)
    spent, saving = time.monotonic() - begun, time.monotonic() - ended
    # Once each, whatever the number of epochs.
    once = clock.close + saving + SECONDS_TO_MEASURE
    epochs = round(clock.epochs_within(seconds - spent - once, steps), 4)
    if epochs * steps < 1:
        raise InputError(
            f"`budget` leaves no time to train: of the {duration(seconds)} when the images were known, timing a step "
            f"took {duration(spent)}, and the first one takes {duration(clock.first)}. Give more."
        )
    print_now(
        f"A step at {run.recipe.described_size} takes {clock.step:.3g} s, the end of an epoch {clock.end:.2g} s: "
        f"{epochs:g} epochs, {round(epochs * steps):,} steps, in the time there is."
    )
    return epochs


def _best_encoder(run, online_knn):
    # Of the gauges without labels, the one that went with the neighbors from epoch to epoch: benchmarks/RESULTS.md.
    return BestEncoder(run.best_encoder_path, "knn" if online_knn else "embedding_rank", resumed=True)


def _say_best(best):
    if best.best is None or best.last is None or (best.best.epoch, best.best.value) == best.last:
        return
    last, value = best.last
    print_now(
        f"By {best.monitor} epoch {best.best.epoch + 1} was the best, with {best.best.value:.4g} at step "
        f"{best.best.steps:,}: {best.path} has its encoder. At the end, in epoch {last + 1}, it is {value:.4g}."
    )


def _callbacks(run, source, watching, best, updates=None):
    return [
        TargetEMA(run.recipe.tau_base, updates),
        FiniteCheck(),
        # Before those that write what they find.
        *watching,
        OnlineLidar(source, build_views(run.recipe, run)),
        best,
        CSVHistory(run.history_path),
        TensorBoardScalars(run.logs_path),
        TensorBoardImages(run.logs_path, source, build_views(run.recipe, run)),
    ]


def _save_encoder(run, model):
    with atomic_path(run.encoder_path, make_folder=False) as path:
        cast_model(model.encoder, "float32").save(path)
