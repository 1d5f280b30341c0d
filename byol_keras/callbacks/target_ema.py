"""The schedule of the target's exponential moving average."""

import keras

from ..errors import InputError
from ..models.checks import checked_decay
from .byol_model import require_byol


class TargetEMA(keras.callbacks.Callback):
    """Raises the target's decay tau from `tau_base` to 1 along a cosine, over the optimizer updates of `fit`.

    tau_k = 1 - (1 - tau_base) * (1 + cos(pi * k / K)) / 2. K counts the updates already made plus those that `fit`
    will make: (epochs - initial_epoch) * steps, divided by the optimizer's `gradient_accumulation_steps`. So training
    stopped after an epoch and resumed with `initial_epoch` follows the same curve as training in one go, if no step was
    skipped. In `BYOL.resume_fit`, K counts all of its epochs.

    The average itself is part of the training step, where `steps_per_execution` cannot skip it; the schedule's two
    numbers live in the model's saved state. tau is in the logs of `fit`. Under mixed_float16, steps that overflow are
    no updates, so that tau ends that much short of 1.

    Args:
        tau_base: in [0, 1], tau at the first update. The paper: 0.97 for 40 epochs, 0.99 for 100 and 300, 0.996
            for 1000.
        total_updates: K, for data whose number of batches per epoch `fit` cannot know; by default found from `fit`.

    Raises:
        InputError: when the model is not a BYOL, or K cannot be found.

    Example:
        model.fit(images, batch_size=64, epochs=40, callbacks=[bk.TargetEMA(0.97)])
    """

    def __init__(self, tau_base: float = 0.996, total_updates: int | None = None):
        super().__init__()
        self.tau_base = checked_decay("tau_base", tau_base)
        self.total_updates = total_updates
        self._is_set = False

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        self._is_set = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Not in on_train_begin: only here is it known which epoch `fit` starts with, restored or not.
        if self._is_set:
            return
        self.model.set_target_schedule(self.tau_base, self.total_updates or self._updates_from_fit(epoch))
        self._is_set = True

    def _updates_from_fit(self, first_epoch):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        accumulated = optimizer.gradient_accumulation_steps or 1
        if self.model.planned_steps is not None:
            return self.model.planned_steps // accumulated
        steps = self.params.get("steps")
        if steps is None:
            raise InputError(
                "TargetEMA needs to know how long training is, and this data has no known number of batches: "
                "pass steps_per_epoch to fit, or total_updates to TargetEMA."
            )
        remaining = (self.params["epochs"] - first_epoch) * steps
        # `iterations` counts updates; the steps of an accumulation that is under way are in the variable only.
        counter = next(variable for variable in optimizer.variables if variable.name == "iteration")
        batches_done = int(counter.numpy())
        return (batches_done + remaining) // accumulated
