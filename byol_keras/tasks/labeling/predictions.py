"""What labeling was for: a class for every image, and a head to ship."""

import csv
from pathlib import Path

from ...utils.atomic import atomic_path


def write_result(labeling, folder):
    """Writes FOLDER/predictions.csv and FOLDER/head.npz, over older ones.

    The table has a line per image: image, class, confidence (see `Labeling.predictions`) and by_hand, yes or no.
    `head.npz` is a `LinearHead`, for `byol-keras export`. The head is first trained on
    all answers, those of an unfinished round included.

    Args:
        labeling: `LabelingSession`.
        folder: path.

    Returns:
        list of two Paths.

    Raises:
        InputError: while there are fewer than two classes.
    """
    folder = Path(folder)
    labeling.train()
    classes, confidence = labeling.predictions()
    labeled = labeling.labeled
    table, head = folder / "predictions.csv", folder / "head.npz"
    with atomic_path(table) as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "class", "confidence", "by_hand"))
        for i, (name, label) in enumerate(zip(labeling.names, classes, strict=True)):
            rows.writerow((name, label, f"{confidence[i]:.4f}", "yes" if i in labeled else "no"))
    labeling.head.save(head)
    return [table, head]
