"""Says when the images come too slowly for the training step."""

import sys
from collections.abc import Iterable
from time import perf_counter

import keras
import tensorflow as tf

from ..errors import first_line

# The share of a step's time from which making the batches is what training waits for.
STARVING = 0.7
SECONDS_TO_MEASURE = 3.0


class InputCheck(keras.callbacks.Callback):
    """Once, a warning on standard error if making a batch takes most of the time of a step.

    It comes after the first epoch that ends when steps have been timed for three seconds. Then a batch is timed by
    itself, for three seconds, with training standing still.

    Args:
        batches: the tf.data.Dataset that `fit` is given.

    Example:
        model.fit(batches, epochs=40, callbacks=[bk.callbacks.InputCheck(batches)])
    """

    def __init__(self, batches: Iterable):
        super().__init__()
        self.batches = batches
        self._last = None
        self._steps, self._seconds = 0, 0.0
        self._checked = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # What lies between two epochs is no step, and the first batch of all has the compilation in it.
        self._last = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        now = perf_counter()
        if self._last is not None:
            self._steps += batch - self._last[0]
            self._seconds += now - self._last[1]
        self._last = batch, now

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._checked or not self._steps or self._seconds < SECONDS_TO_MEASURE:
            return
        self._checked = True
        step = self._seconds / self._steps
        try:
            alone = seconds_per_batch(self.batches)
        except tf.errors.OpError as error:
            # An image of an earlier step has been lost since: no reason to end training, which may not need it again.
            print(f"How fast the images come was not measured: {first_line(error)}", file=sys.stderr, flush=True)
            return
        if alone > STARVING * step:
            print(
                f"The images come slowly: making a batch takes {alone:.3f} s by itself, a training step {step:.3f} s "
                "in all. Images of one size that fit in memory are held there, so shrink them once, to squares a "
                "little larger than image_size; a faster disk or more cores help as well.",
                file=sys.stderr,
                flush=True,
            )


def seconds_per_batch(batches: Iterable) -> float:
    """How long a batch takes to make, by itself, over SECONDS_TO_MEASURE.

    Args:
        batches: the tf.data.Dataset that `fit` is given.
    """
    batches = iter(batches)
    # What fills the buffers.
    next(batches)
    count, start = 0, perf_counter()
    for _ in batches:
        count += 1
        if perf_counter() - start > SECONDS_TO_MEASURE:
            break
    return (perf_counter() - start) / max(count, 1)
