"""`fit` and its kin as BYOL has them: errors of one line, and a beginning at any step."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..augment.batch import plain_errors
from ..errors import InputError
from .array_batches import in_batches
from .checked_batches import checked_batches


class _LastStep(keras.callbacks.Callback):
    """Ends the last epoch where the planned steps end. Before the others, which see then that it is the last batch."""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if int(self.model.steps.numpy()) >= self.model.planned_steps:
            self.model.stop_training = True


class Trainer(keras.Model):
    """A model that counts its training steps, and whose `fit` can begin in the middle of an epoch.

    Attributes:
        steps: () int64 variable, saved with the model: the batches trained on so far.
        skipped: () int64 variable, likewise: those of them that changed nothing, because the loss, a gradient or a
            moving statistic was not finite.
    """

    # The batches of the whole training, while `resume_fit` is at work: what a schedule must know and `fit` does not.
    planned_steps = None
    _keeps_metrics = False

    def _make_counters(self) -> None:
        """Makes the variables; to be called from `__init__`."""
        self.steps = self._scalar("steps", 0, "int64")
        self.skipped = self._scalar("skipped", 0, "int64")
        self._culprit = self._scalar("culprit", -1, "int32")

    def _scalar(self, name: str, value: float, dtype: str) -> keras.Variable:
        """A () variable of the model's own, which no optimizer moves and which is the same on every replica."""
        initial = keras.initializers.Constant(value)
        return self.add_weight((), initial, dtype, trainable=False, name=name, aggregation="only_first_replica")

    def _count_step(self, culprit: tf.Tensor) -> None:
        """Counts a training step.

        Args:
            culprit: () int32, -1; or, where the step was skipped, the first that was not finite: 0 the loss, i the
                gradient of the trainable variable i - 1, and behind those the moving statistics.
        """
        bad = tf.cast(culprit >= 0, tf.int64)
        # It depends on the step's numbers, so that a step whose batch cannot be had is not counted.
        self.steps.assign_add(tf.maximum(bad, 1))
        self.skipped.assign_add(bad)
        self._culprit.assign(culprit)

    def _is_later_step(self) -> tf.Tensor:
        """() bool, whether the epoch had a step before the one at hand, be it one that was skipped."""
        # The metrics begin anew with each epoch, and are without skipped steps.
        return (tf.convert_to_tensor(self.metrics[0].count) > 0) | (tf.convert_to_tensor(self._culprit) >= 0)

    def not_finite(self) -> str | None:
        """What was not finite in the last step, in words; None where all was."""
        culprit = int(self._culprit.numpy())
        if culprit < 0:
            return None
        if culprit == 0:
            return "the loss"
        trained = self.trainable_variables
        return f"the gradient of {trained[culprit - 1].path}" if culprit <= len(trained) else "a moving statistic"

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`; a batch it cannot use is an `InputError` of one line."""
        batches, *rest = in_batches((x, y), args, kwargs, shuffle=True)
        batches = self._checked(batches, alone=self._keeps_metrics)
        if "validation_data" in kwargs:
            kwargs["validation_data"] = self._checked(kwargs["validation_data"], alone=True)
        with plain_errors():
            return super().fit(batches, *rest, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> list[float] | dict[str, float]:
        """As `keras.Model.evaluate`; a batch it cannot use is an `InputError` of one line."""
        batches, *rest = in_batches((x, y), args, kwargs)
        with plain_errors():
            return super().evaluate(self._checked(batches, alone=True), *rest, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        """As `keras.Model.predict`; a batch it cannot use is an `InputError` of one line."""
        batches, *rest = in_batches((x,), args, kwargs)
        with plain_errors():
            return super().predict(self._checked(batches, alone=True), *rest, **kwargs)

    def _checked(self, batches: Any, alone: bool) -> Any:
        """A Dataset with the checks that a step leaves out where XLA compiles it; `alone` as for `checked_batches`."""
        compiled = self.jit_compile and isinstance(batches, tf.data.Dataset)
        return checked_batches(batches, alone) if compiled else batches

    def resume_fit(
        self,
        batches_from: Callable[[int], tf.data.Dataset],
        epochs: float,
        steps_per_epoch: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: str | int = "auto",
    ) -> None:
        """Trains from the step the model is at to the last one, as if it had never stopped.

        A model that is at step 0 trains from the beginning. What is left of an epoch is a `fit` of its own, which goes
        on with the epoch's metrics; so the callbacks may see `on_train_begin` twice.

        Args:
            batches_from: step -> the batches from that step on, the first of the training being 0, for as many epochs
                as are left. The same step must always have the same batch, as with `data.two_view_batches`.
            epochs, steps_per_epoch: of the whole training: round(epochs * steps_per_epoch) batches, 1 at least; the
                last epoch may be a part of one.
            callbacks, verbose: as for `fit`.

        Raises:
            InputError: as `fit`, and where `batches_from` has nothing to give; within an epoch for an optimizer with
                `use_ema`, whose average Keras puts in the weights' place at the end of each `fit`.

        Example:
            model = bk.callbacks.load_checkpoint("checkpoints") or build()
            model.resume_fit(
                lambda step: bk.data.two_view_batches(photos, views, 64, total_steps, seed=0, first_step=step),
                epochs=40,
                steps_per_epoch=total_steps // 40,
                callbacks=[bk.TargetEMA(0.97), bk.callbacks.Checkpoint("checkpoints")],
            )
        """
        self.planned_steps = max(1, round(epochs * steps_per_epoch))
        try:
            while (step := int(self.steps.numpy())) < self.planned_steps:
                epoch, done = divmod(step, steps_per_epoch)
                if done and getattr(self.optimizer, "use_ema", False):
                    raise InputError(
                        "A training whose optimizer averages its weights (use_ema=True) cannot go on within an epoch: "
                        f"begin it again. Received: step {step}, {steps_per_epoch} steps an epoch"
                    )
                self._keeps_metrics = done > 0
                self.fit(
                    batches_from(step),
                    initial_epoch=epoch,
                    epochs=epoch + 1 if done else math.ceil(self.planned_steps / steps_per_epoch),
                    steps_per_epoch=steps_per_epoch - done,
                    callbacks=[_LastStep(), *callbacks],
                    shuffle=False,  # the batches are in their order
                    verbose=verbose,
                )
                if self.stop_training:
                    return
                if int(self.steps.numpy()) == step:
                    raise InputError(f"`batches_from` must give batches from every step on. Received: none for {step}")
        finally:
            self.planned_steps, self._keeps_metrics = None, False

    def reset_metrics(self) -> None:
        if self._keeps_metrics:
            self._keeps_metrics = False
            return
        super().reset_metrics()
