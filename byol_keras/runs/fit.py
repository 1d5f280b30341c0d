"""The steps of a leg, in spite of images that are lost meanwhile."""

import functools
import sys
from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from ..byol import BYOL
from ..callbacks import Checkpoint, InputCheck
from ..data.batch_order import batch_indices, steps_per_epoch
from ..data.broken import MAX_BROKEN_SHARE, list_broken
from ..data.images import ImageSource
from ..data.lost_files import lost_files
from ..data.service import made_by_services
from ..data.spectrogram_batches import spectrogram_batches
from ..data.train_pipeline import two_view_batches
from ..errors import InputError, Interrupted
from ..utils.progress import print_now
from .audio_recipe import AudioRecipe
from .build import build_views
from .image_list import filled
from .leg import Leg
from .run import Run
from .strategy import for_all_replicas, is_chief, own_part, worker_count, worker_lost

# Where one image cannot be read any more, the next ones to come are looked at as well, some seconds' worth.
SUSPECTS = 1000


def run_batches(run: Run, source: ImageSource, last: int, services: Sequence[str] = ()) -> Callable:
    """A function: step -> what `two_view_batches`, or `spectrogram_batches`, makes from there to the one before `last`.

    Args:
        run: `Run`.
        source: `ImageSource`, the run's images.
        last: of the steps.
        services: addresses of those that make the batches, see `data.service`; none for this process.
    """
    batch_size = run.recipe.batch_size
    if isinstance(run.recipe, AudioRecipe):  # whose views the model makes
        frames = run.recipe.frames
        return lambda step=0, context=None: spectrogram_batches(source, frames, batch_size, last, run.seed, step)
    views = build_views(run.recipe)

    def batches(step: int = 0, context: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
        def make(context):
            return two_view_batches(source, views, batch_size, last, run.seed, step, input_context=context)

        return made_by_services(make, services, context) if services else make(context)

    return batches


def fit_leg(
    run: Run,
    model: BYOL,
    source: ImageSource,
    leg: Leg,
    callbacks: Sequence[keras.callbacks.Callback],
    checkpoint: Checkpoint,
    services: Sequence[str] = (),
) -> ImageSource:
    """Trains all steps that are left of a leg.

    An image that is lost meanwhile is named, and the next one takes its place. Several workers would have to agree on
    that: they end, and go on from the last checkpoint when they are started again.

    Args:
        run: `Run`.
        model: at the step where training goes on.
        source: `ImageSource`, the run's images.
        leg: `Leg`.
        callbacks: all but the checkpoint.
        checkpoint: `Checkpoint`, which the first of several workers writes.
        services: see `run_batches`.

    Returns:
        ImageSource, `source` but for what was lost.

    Raises:
        InputError: where too many images are lost; with several workers, where an image or a worker is.
        Interrupted: on SIGTERM or Ctrl-C; in the other workers once the first one has stopped.
    """
    recipe, strategy = run.recipe, model.distribute_strategy
    batch_size, steps = recipe.batch_size, steps_per_epoch(source, recipe.batch_size)
    lost = set()
    while True:
        step = int(model.steps.numpy())
        print_now(
            f"Pretraining {recipe.backbone} ({model.encoder.count_params():,} parameters) on {len(source):,} images "
            f"at {recipe.described_size} in {model.dtype_policy.name}: epochs {step // steps + 1} to {leg.epochs:g} "
            f"of {steps} steps" + (f", from step {step % steps + 1}." if step % steps else ".")
        )
        # One pipeline for training and for the check of it: to trace another takes seconds.
        batches, watching = functools.cache(run_batches(run, source, leg.last, services)), list(callbacks)
        if is_chief(strategy):
            # The checkpoint last, so that what the others do at the end of an epoch is done when that is saved.
            watching += [InputCheck(batches(step, own_part(strategy))), checkpoint]
        try:
            model.resume_fit(
                lambda step, batches=batches: for_all_replicas(strategy, lambda context: batches(step, context)),
                leg.epochs,
                steps,
                watching,
                # A bar on a terminal; one line per epoch in a log file, of one worker.
                verbose=0 if not is_chief(strategy) else 1 if sys.stdout.isatty() else 2,
            )
            return source
        except tf.errors.OpError as error:
            found = _lost_soon(source, batch_size, run.seed, int(model.steps.numpy()), leg.last)
            if worker_count(strategy) > 1:
                raise _left(found, source, error, checkpoint.stop()) from error
            if not found:
                raise
        lost |= {source.names[index] for index in found}
        said = _list_lost(source, found)
        if len(lost) > MAX_BROKEN_SHARE * len(source):
            checkpoint.save()
            raise InputError(
                f"{len(lost):,} of the {len(source):,} images cannot be read any more: {said}. Training is saved at "
                f"step {int(model.steps.numpy()):,}: put them back and resume it."
            )
        said = f"{run.data}: these images cannot be read any more, and the next ones take their places: {said}"
        print(said, file=sys.stderr, flush=True)
        source = source.subset(filled([-1 if index in found else index for index in range(len(source))]))


def _lost_soon(source, batch_size, seed, step, last):
    """What of the steps to come cannot be read, see `lost_files`."""
    ahead = range(step, min(step + 1 + SUSPECTS // batch_size, last))
    return lost_files(source, {int(i) for each in ahead for i in batch_indices(source, batch_size, seed, each)})


def _list_lost(source, found):
    # One that has taken another's place is found there as well.
    return list_broken(list({source.names[index]: reason for index, reason in found.items()}.items()))


def _left(found, source, error, signal):
    """What a worker raises that cannot go on: an image is lost, or another worker has ended."""
    if found:
        return InputError(
            f"These images cannot be read any more: {_list_lost(source, found)}. All workers end, and go on from the "
            "last checkpoint when they are started to resume the run."
        )
    if signal is not None:
        return Interrupted("stopped, as the other workers did.", signal)
    return worker_lost(error)
