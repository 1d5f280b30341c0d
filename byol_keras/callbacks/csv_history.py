"""The log of a run as a CSV file."""

import csv
import os
from pathlib import Path

import keras

from ..utils.atomic import atomic_path


class CSVHistory(keras.callbacks.Callback):
    """Writes one row per epoch: epoch (from 0) and everything `fit` logs, to `path`.

    The file is replaced whole, and rows of epochs that are trained again are dropped, so that it stays true when a run
    is killed and resumed. Keras' CSVLogger appends, and reserves columns for a validation that BYOL does not have.

    Args:
        path: of a .csv file.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.CSVHistory("history.csv")])
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = Path(path)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        rows = [row for row in read_history(self.path) if row["epoch"] < epoch]
        rows.append({"epoch": epoch, **{key: float(value) for key, value in logs.items()}})
        with atomic_path(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)


def read_history(path: Path) -> list[dict[str, int | float]]:
    """The rows of a history.csv, each {"epoch": int, "loss": float, ...}; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{key: int(v) if key == "epoch" else float(v) for key, v in row.items()} for row in csv.DictReader(file)]
