"""What labeling was for: a class for every image, and a head to ship."""

import csv
import os
from pathlib import Path

from ...utils.atomic import atomic_path, remove_file
from .session import LabelingSession


def write_predictions(session: LabelingSession, folder: str | os.PathLike) -> list[Path]:
    """Writes FOLDER/predictions.csv and FOLDER/head.npz, over older ones.

    The table has a line per image: image, class, confidence (see `LabelingSession.predictions`) and by_hand, yes or no.
    `head.npz` is a `LinearHead`, for `byol-keras export`. The head is first trained on
    all labels, those of an unfinished round included.

    Args:
        session: `LabelingSession`.
        folder: path.

    Returns:
        list of two Paths.

    Raises:
        InputError: while there are fewer than two classes.

    Example:
        table, head = bk.tasks.write_predictions(session, "labeled")
    """
    folder = Path(folder)
    session.train()
    classes, confidence = session.predictions()
    labeled = session.labeled
    table, head = folder / "predictions.csv", folder / "head.npz"
    remove_file(head)  # never new predictions beside the head of old ones
    with atomic_path(table) as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "class", "confidence", "by_hand"))
        for i, (name, label) in enumerate(zip(session.names, classes, strict=True)):
            rows.writerow((name, label, f"{confidence[i]:.4f}", "yes" if i in labeled else "no"))
    session.head.save(head)
    return [table, head]
