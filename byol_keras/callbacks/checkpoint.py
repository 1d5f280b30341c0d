"""Saves the whole model while it trains, so that a stop costs minutes at most, and reads it back."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import keras

from ..byol import BYOL
from ..errors import InputError, Interrupted
from ..models.finite import require_finite
from ..models.model_file import read_model
from ..utils.atomic import atomic_path, make_parent, remove_file
from ..utils.checksum import checksum_path, is_intact, sha256_of, write_checksum
from .byol_model import require_byol

# Of two, one may be cut by whatever stopped training, and the other is left.
KEPT = 2
NAME = re.compile(r"step-(\d+)\.keras")


class Checkpoint(keras.callbacks.Callback):
    """Writes the model with its optimizer, its place in training and its metrics: step-00001200.keras and a checksum.

    It is written every few minutes, wherever in an epoch that is, and at the end. A file stands under its name when all
    of it is on the disk; the checksum, which `sha256sum --check` can read, comes last. The newest two are kept; the
    others, and what is of a later step than the model, are removed. `load_checkpoint` and `BYOL.resume_fit` go on as if
    training had never stopped. A model with weights that are not finite is not written.

    Keras' ModelCheckpoint writes in place, where a killed process leaves half a file; its BackupAndRestore goes by
    epochs.

    Put it last: what the other callbacks do at the end of an epoch is then done when an epoch's end is written.

    Args:
        folder: of the files; it is made when training begins.
        minutes: between two of them, so the most that is lost.
        steps: also after so many steps, or None.
        stop: asked after every step: the number of a signal that has come, or None. On a signal the model is written
            and `Interrupted` raised.

    Raises:
        InputError: from `fit`, where the model cannot be written or is not finite.
        Interrupted: from `fit`, once all is saved.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.TargetEMA(0.97), bk.callbacks.Checkpoint("checkpoints")])
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        minutes: float = 5.0,
        steps: int | None = None,
        stop: Callable[[], int | None] = lambda: None,
    ):
        super().__init__()
        check_intervals(minutes, steps)
        self.folder = Path(folder)
        self.minutes, self.steps, self.stop = minutes, steps, stop
        self._at_step, self._at_time, self._written = 0, 0.0, None

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        make_parent(self.folder / "any.keras")
        # What lies there of this step may be of another training.
        self._at_step, self._at_time, self._written = int(self.model.steps.numpy()), monotonic(), None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        # After the last batch the epoch is not over: the other callbacks have their work to do first.
        last = self.model.stop_training or batch + 1 == self.params["steps"]
        if not last:
            self._write_if_due()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._write_if_due()

    def on_train_end(self, logs: dict | None = None) -> None:
        if getattr(self.model.optimizer, "use_ema", False):
            self._written = None  # Keras has put the averaged weights in place since
        self.save()

    def _write_if_due(self):
        signal = self.stop()
        due = monotonic() - self._at_time >= 60 * self.minutes
        due |= self.steps is not None and int(self.model.steps.numpy()) - self._at_step >= self.steps
        if due or signal is not None:
            self.save()
        if signal is not None:
            raise Interrupted(f"stopped at step {int(self.model.steps.numpy()):,}; all of it is saved.", signal)

    def save(self) -> None:
        """Writes the model as it is."""
        step = int(self.model.steps.numpy())
        path = self.folder / f"step-{step:08}.keras"
        require_finite(self.model)
        if step != self._written or not is_intact(path):
            # Without its checksum a file counts for nothing, from here until the new one is there.
            remove_file(checksum_path(path))
            with atomic_path(path, make_folder=False) as temporary:
                self.model.save(temporary)
                digest = sha256_of(temporary)
            write_checksum(path, digest)
            self._written = step
        self._remove_others(step)
        self._at_step, self._at_time = step, monotonic()

    def _remove_others(self, step):
        found = checkpoints(self.folder)
        good = [path for other, path in found if other < step and is_intact(path)]
        for other, path in found:
            if other != step and path not in good[: KEPT - 1]:
                remove_file(checksum_path(path))
                remove_file(path)


def check_intervals(minutes: float = 5.0, steps: int | None = None) -> None:
    """Raises InputError for what cannot lie between two checkpoints, see `Checkpoint`."""
    if not minutes > 0:  # nor NaN
        raise InputError(f"`minutes` between checkpoints must be above 0. Received: minutes={minutes}")
    if steps is not None and steps < 1:
        raise InputError(f"`steps` between checkpoints must be 1 or more. Received: steps={steps}")


def checkpoints(folder: str | os.PathLike) -> list[tuple[int, Path]]:
    """(step, path) of each file in a folder that is named as a checkpoint, the latest first."""
    folder = Path(folder)
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found = [(int(match[1]), folder / match[0]) for match in map(NAME.fullmatch, names) if match]
    return sorted(found, reverse=True)


def load_checkpoint(folder: str | os.PathLike) -> BYOL | None:
    """The model of the latest checkpoint that is as it was written; one line on stderr for each that is not.

    Args:
        folder: of `Checkpoint`.

    Returns:
        BYOL, compiled, with its optimizer; None where there is no checkpoint.

    Raises:
        InputError: where there are some and none can be used.
    """
    found = checkpoints(folder)
    for _, path in found:
        if is_intact(path):
            return _loaded(path)
        why = "was cut or altered" if checksum_path(path).is_file() else "was not written to its end"
        print(f"{path} {why}, and is not used.", file=sys.stderr, flush=True)
    if found:
        raise InputError(f"None of the {len(found)} checkpoints in {folder} is as it was written. Begin a new run.")
    return None


def _loaded(path):
    model = read_model(path)
    if not isinstance(model, BYOL):
        raise InputError(f"{path} is not a checkpoint of training: it holds a {type(model).__name__}.")
    return model
