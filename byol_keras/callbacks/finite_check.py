"""Stops training that only makes numbers which are not finite."""

import keras

from ..errors import InputError
from ..models.finite import largest_weight, require_finite
from .byol_model import require_byol


class FiniteCheck(keras.callbacks.Callback):
    """Counts the updates that a BYOL skips, and stops it when it skips too many in a row.

    A BYOL skips an update whose loss, gradient or batch statistic is NaN or infinite, and keeps its weights and
    statistics. A few do no harm: in float16 a skipped update is how the loss scale finds its place. Many in a row mean
    that nothing is learned any more. After each epoch the weights are looked at as well. Where some were skipped, logs
    "skipped", their number since training began.

    Put it before callbacks that write the logs.

    Args:
        patience: so many skipped updates in a row are one too many; float16 may need 15 at its beginning.

    Raises:
        InputError: from `fit`, where that many were skipped, saying what was not finite, or where a weight is not.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.FiniteCheck()])
    """

    def __init__(self, patience: int = 20):
        super().__init__()
        self.patience = patience
        self._skipped = self._in_a_row = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        self._skipped, self._in_a_row = int(self.model.skipped.numpy()), 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # Several batches at once, with `steps_per_execution`, are counted together.
        skipped = int(self.model.skipped.numpy())
        self._in_a_row = self._in_a_row + skipped - self._skipped if skipped > self._skipped else 0
        self._skipped = skipped
        if self._in_a_row >= self.patience:
            path, value = largest_weight(self.model)
            raise InputError(
                f"{self._in_a_row} updates in a row were skipped, up to step {int(self.model.steps.numpy()):,}, the "
                f"last because {self.model.not_finite()} was not finite; the largest weight is {value:.3g}, of {path}. "
                "Lower `learning_rate`, or train in float32."
            )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        require_finite(self.model)
        if self._skipped:
            # Not in place of `logs`: the callbacks that come after read the same dict.
            logs["skipped"] = self._skipped
