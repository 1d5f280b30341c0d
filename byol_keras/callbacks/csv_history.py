"""The log of a run as a CSV file."""

import csv
import os
from pathlib import Path

import keras

from ..errors import InputError
from ..utils.atomic import atomic_path, make_parent
from ..utils.text_file import read_text_file


class CSVHistory(keras.callbacks.Callback):
    """Writes one row per epoch: epoch (from 0) and everything `fit` logs, to `path`.

    The file is replaced whole, and rows of epochs that are trained again are dropped, so that it stays true when a run
    is killed and resumed. Keras' CSVLogger appends, and reserves columns for a validation that BYOL does not have.

    Args:
        path: of a .csv file.

    Raises:
        InputError: from `fit`, before its first step, where the file is there and cannot be read.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.CSVHistory("history.csv")])
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = Path(path)
        self._rows = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        make_parent(self.path)
        self._rows = read_history(self.path)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._rows = [row for row in self._rows if row["epoch"] < epoch]
        self._rows.append({"epoch": epoch, **{key: float(value) for key, value in logs.items()}})
        with atomic_path(self.path, make_folder=False) as temporary, temporary.open("w", newline="") as file:
            # An epoch may log what others do not.
            writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(name for row in self._rows for name in row)))
            writer.writeheader()
            writer.writerows(self._rows)


def read_history(path: str | os.PathLike) -> list[dict[str, int | float]]:
    """The rows of a history.csv, each {"epoch": int, "loss": float, ...}; none where there is no file yet.

    Raises:
        InputError: where there is one that cannot be read, naming the line.
    """
    if not Path(path).exists():
        return []
    reader = csv.DictReader(read_text_file(path).splitlines(), restval="")
    rows = []
    try:
        for row in reader:
            numbers = {key: float(value) for key, value in row.items() if value != "" or key == "epoch"}
            rows.append({**numbers, "epoch": int(row["epoch"])})
    except (ValueError, TypeError, KeyError, csv.Error) as error:
        raise InputError(
            f"{path} cannot be read as a training's history, at line {reader.line_num}: {error}. Repair it, or move it "
            "away: the epochs it has are then missing in the new one."
        ) from error
    return rows
