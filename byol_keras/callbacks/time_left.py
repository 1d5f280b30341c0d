"""How long training will still take."""

import sys
import time
from collections.abc import Callable

import keras

from ..utils.duration import duration
from .byol_model import require_byol

# Seconds of training after which it is first said: an epoch may take hours.
FIRST = 30.0


class TimeLeft(keras.callbacks.Callback):
    """Prints how long a BYOL's training will still take: once after half a minute, then after each epoch.

    It goes by the time since the first step, which takes longer than others and is not counted; what is done at the end
    of epochs is.

    Args:
        clock: () -> seconds, for tests.

    Raises:
        InputError: from `fit`, of another model.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.TimeLeft()], verbose=2)
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self._clock = clock
        self._began = self._first_step = self._last = self._training = None
        self._said = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        # With a plan, what is left of an epoch is a `fit` of its own in one training.
        training = self.model, self.model.planned_steps
        if self.model.planned_steps is None or training != self._training:
            self._began, self._first_step, self._said = None, None, False
        self._training = training

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._last = self.model.planned_steps
        if self._last is None and self.params.get("steps"):
            self._last = int(self.model.steps.numpy()) + (self.params["epochs"] - epoch) * self.params["steps"]

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._began is None:
            self._began, self._first_step = self._clock(), int(self.model.steps.numpy())
        elif not self._said and self._clock() - self._began >= FIRST:
            # On a terminal the bar of the epoch is in the way, and says nearly the same.
            if not sys.stdout.isatty():
                self._say()
            self._said = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._say()

    def _say(self):
        if self._last is None or self._first_step is None:  # nobody knows yet how many batches there are, or none was
            return
        step = int(self.model.steps.numpy())
        done, left = step - self._first_step, self._last - step
        if done > 0 and left > 0:
            seconds = (self._clock() - self._began) / done * left
            print(f"About {duration(seconds)} of training left, {left:,} steps.", flush=True)
