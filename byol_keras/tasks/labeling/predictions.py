"""What labelling was for: a class for every picture, and a head to ship."""

import csv
from pathlib import Path

from ...utils.atomic import written_beside


def write_result(labelling, folder):
    """Writes FOLDER/predictions.csv and FOLDER/head.npz, over older ones.

    The table has a line a picture: picture, class, confidence (see `Labelling.predictions`) and by_hand, yes or no.
    `head.npz` is a `LinearHead`, for `byol-keras export --head`. The head is first trained on
    all answers, those of an unfinished round included.

    Args:
        labelling: `Labelling`.
        folder: path.

    Returns:
        list of two Paths.

    Raises:
        InputError: while there are fewer than two classes.
    """
    folder = Path(folder)
    labelling.train()
    classes, confidence = labelling.predictions()
    labelled = labelling.labelled
    table, head = folder / "predictions.csv", folder / "head.npz"
    with written_beside(table) as path, path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("picture", "class", "confidence", "by_hand"))
        for i, (name, label) in enumerate(zip(labelling.names, classes, strict=True)):
            rows.writerow((name, label, f"{confidence[i]:.4f}", "yes" if i in labelled else "no"))
    labelling.head.save(head)
    return [table, head]
