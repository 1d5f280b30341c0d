"""What labelling was for: a class for every picture, and a head to ship."""

import csv
import zipfile
from pathlib import Path

import numpy as np

from ..atomic import written_beside
from ..errors import InputError
from ..export.linear_head import LinearHead


def write_result(labelling, folder):
    """Writes FOLDER/predictions.csv and FOLDER/head.npz, over older ones.

    The table has a line a picture: picture, class, confidence (see `Labelling.predictions`) and by_hand, yes or no.
    `head.npz` has the `weights`, `bias` and `labels` of a `LinearHead`, see `read_head`. The head is first trained on
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
    with written_beside(head) as path:
        fitted = labelling.head
        np.savez(path, weights=fitted.weights, bias=fitted.bias, labels=np.array(fitted.labels))
    return [table, head]


def read_head(path):
    """The `LinearHead` of a head.npz, for `export.saved_model(encoder, path, head=...)`.

    Raises:
        InputError: for a file that is not one.
    """
    try:
        # Given a path, numpy would leave the file open when it finds it damaged.
        with open(path, "rb") as file, np.load(file) as arrays:
            return LinearHead(arrays["weights"], arrays["bias"], tuple(arrays["labels"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a head: {error}. `byol-keras label` writes one.") from error
