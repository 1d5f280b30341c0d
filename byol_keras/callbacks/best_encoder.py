"""Keeps the encoder of the best epoch."""

import math
import os
from pathlib import Path

import keras

from ..byol import BYOL
from ..errors import InputError
from ..precision import cast_model
from ..utils.atomic import atomic_path, make_parent
from .csv_history import read_history


class BestEncoder(keras.callbacks.Callback):
    """Writes the encoder of a BYOL after each epoch that has a higher value of a log than all before, in float32.

    Keras' ModelCheckpoint would write the whole model, in place.

    Put it after the callback that makes the log, and before the one that writes it to the history.

    Args:
        path: of a .keras file.
        monitor: a name among the logs: "knn", of `OnlineKNN`, or without labels "embedding_rank". Not "lidar", which
            fell while the neighbors got better: benchmarks/RESULTS.md.
        history: of the history.csv that `CSVHistory` writes, which has the values of the epochs before a resumed one;
            or None.

    Raises:
        InputError: from `fit`, of another model, or where nothing is logged by that name.

    Example:
        callbacks = [bk.OnlineKNN(photos), bk.callbacks.BestEncoder("best.keras", "knn")]
        model.fit(images, epochs=40, callbacks=callbacks)
    """

    def __init__(self, path: str | os.PathLike, monitor: str, history: str | os.PathLike | None = None):
        super().__init__()
        self.path, self.monitor, self.history = Path(path), monitor, history
        self._values: dict[int, float] = {}

    @property
    def best(self) -> tuple[int, float] | None:
        """The epoch, from 0, and the value, of the encoder that is kept; None before there is one."""
        return max(self._values.items(), key=lambda pair: (pair[1], -pair[0]), default=None)

    @property
    def last(self) -> tuple[int, float] | None:
        """The last epoch that has a value, and that; None before there is one."""
        return max(self._values.items(), default=None)

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not isinstance(self.model, BYOL):
            raise InputError(f"BestEncoder goes with a BYOL model. Received: {type(self.model).__name__}")
        make_parent(self.path)
        if self.history is not None:
            rows = read_history(self.history)
            values = {row["epoch"]: row.get(self.monitor, math.nan) for row in rows}
            self._values = {epoch: value for epoch, value in values.items() if not math.isnan(value)}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        # Of epochs that are trained again, as after a damaged checkpoint, the values come again.
        self._values = {other: value for other, value in self._values.items() if other < epoch}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.monitor not in logs:
            raise InputError(f"Nothing is logged by the name of `monitor`. Received: monitor={self.monitor!r}")
        value = float(logs[self.monitor])
        if math.isnan(value):
            return
        self._values[epoch] = value
        if self.best[0] == epoch:
            with atomic_path(self.path, make_folder=False) as path:
                cast_model(self.model.encoder, "float32").save(path)
