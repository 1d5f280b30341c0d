"""What training takes, measured in a part of it."""

import math
import time
from collections.abc import Callable

import keras


class StepClock(keras.callbacks.Callback):
    """Times steps and ends of epochs, and stops `fit` when it has timed enough. To be the last of the callbacks.

    Args:
        seconds: after the first step, until an epoch is ended.
        clock: () -> seconds, for tests.

    Attributes:
        first: seconds until the first step was done, which is compiled.
        step: seconds of each of the others, on average, in the order of the epoch.
        end: seconds of what the callbacks do at the end of an epoch, on average.
        close: seconds of what they do at the end of `fit`.

    Example:
        clock = bk.callbacks.StepClock(20)
        model.fit(batches, epochs=1000, callbacks=[clock])
        print(clock.step)
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.seconds, self._clock = seconds, clock
        self.first = self.close = 0.0
        self._steps, self._ends = [], []
        self._last = self._begun = None

    @property
    def step(self) -> float:
        return math.fsum(self._steps) / len(self._steps) if self._steps else self.first

    @property
    def end(self) -> float:
        return math.fsum(self._ends) / len(self._ends) if self._ends else 0.0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._last = self._clock()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        now = self._clock()
        if self._begun is None:
            self.first, self._begun = now - self._last, now
        else:
            self._steps.append(now - self._last)
            if now - self._begun >= self.seconds:
                self.model.stop_training = True
        self._last = now

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        now = self._clock()
        self._ends.append(now - self._last)
        self._last = now

    def on_train_end(self, logs: dict | None = None) -> None:
        self.close = self._clock() - self._last

    def epochs_within(self, seconds: float, steps_per_epoch: int) -> float:
        """How many epochs, a last part included, take so many seconds from the beginning of `fit`; 0 or less for none.

        Args:
            seconds: of all of it, the first step too.
            steps_per_epoch: batches in an epoch.
        """
        epoch = steps_per_epoch * self.step + self.end
        left = seconds - self.first + self.step
        whole = max(0, int(left // epoch))
        # The end of an epoch takes its time whether the epoch is whole or not.
        part = max(0.0, left - whole * epoch - self.end) / (steps_per_epoch * self.step)
        return whole + min(part, 1.0)
