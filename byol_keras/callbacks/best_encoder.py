"""Keeps the encoder of the best epoch."""

import dataclasses
import json
import math
import os
from pathlib import Path

import keras

from ..errors import InputError
from ..precision import cast_model
from ..utils.atomic import atomic_path, make_parent
from ..utils.text_file import read_text_file
from .byol_model import require_byol


@dataclasses.dataclass(frozen=True)
class BestEpoch:
    """Which encoder is kept.

    Attributes:
        epoch: from 0.
        steps: that the model had been trained for.
        monitor: the name of the log.
        value: of it.
    """

    epoch: int
    steps: int
    monitor: str
    value: float


class BestEncoder(keras.callbacks.Callback):
    """Writes the encoder of a BYOL after each epoch that has a higher value of a log than all before, in float32.

    Keras' ModelCheckpoint would write the whole model, in place.

    Put it after the callback that makes the log, and before the one that writes it to the history.

    Args:
        path: of a .keras file. A .json of the same name beside it says what is kept, see `BestEpoch`.
        monitor: a name among the logs: "knn", of `OnlineKNN`, or without labels "embedding_rank". Not "lidar", which
            fell while the neighbors got better: benchmarks/RESULTS.md.
        resumed: whether the training before a resumed one wrote `path`: its encoder is then replaced by a better one
            only, unless it is of steps that are trained again, or was the best by another log.

    Attributes:
        best: `BestEpoch`, of the encoder that is kept; None before there is one.
        last: (epoch, value), the last that was not NaN; None before there is one.

    Raises:
        InputError: from `fit`, of another model, or where nothing is logged by that name.

    Example:
        callbacks = [bk.OnlineKNN(photos), bk.callbacks.BestEncoder("best.keras", "knn")]
        model.fit(images, epochs=40, callbacks=callbacks)
    """

    def __init__(self, path: str | os.PathLike, monitor: str, resumed: bool = False):
        super().__init__()
        self.path, self.monitor, self.resumed = Path(path), monitor, resumed
        self.best: BestEpoch | None = None
        self.last: tuple[int, float] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        make_parent(self.path)
        if self.resumed and self.best is None:
            self.best = self._read()
        if self.best is not None and self.best.steps > int(self.model.steps.numpy()):
            self.best = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.monitor not in logs:
            raise InputError(f"Nothing is logged by the name of `monitor`. Received: monitor={self.monitor!r}")
        value = float(logs[self.monitor])
        if math.isnan(value):
            return
        self.last = epoch, value
        if self.best is None or value > self.best.value:
            self.best = BestEpoch(epoch, int(self.model.steps.numpy()), self.monitor, value)
            with atomic_path(self.path, make_folder=False) as path:
                cast_model(self.model.encoder, "float32").save(path)
            with atomic_path(self._record, make_folder=False) as path:
                path.write_text(json.dumps(dataclasses.asdict(self.best)) + "\n")

    @property
    def _record(self):
        return self.path.with_suffix(".json")

    def _read(self):
        """What is kept by this log; None where there is nothing, or nobody knows."""
        if not self.path.exists() or not self._record.exists():
            return None
        try:
            best = BestEpoch(**json.loads(read_text_file(self._record)))
        except (ValueError, TypeError) as error:
            raise InputError(
                f"{self._record} cannot be read: {error}. Delete it: the encoder of the best epoch from now on is kept."
            ) from error
        return best if best.monitor == self.monitor else None
