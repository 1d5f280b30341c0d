"""What the page shows, as JSON."""

from collections import Counter

import numpy as np

# Images shown of each class that the head predicts.
SAMPLES = 6


def state(labeling, samples=SAMPLES):
    """All the page needs to know.

    Args:
        labeling: `LabelingSession`.
        samples: int, images of each class.

    Returns:
        dict that JSON can hold: `waiting` (indices, the first is asked about), `total`, `labeled`, `skipped`,
        `can_undo`, `accuracy` (share, error, count, or None), and `classes`, for each its `name`, how many are
        `labeled`, how many others the head gives it (`predicted`, None without a head), and `samples`, indices of some
        of these, drawn at random.
    """
    labeled = labeling.labeled
    counts = Counter(labeled.values())
    predicted = _predicted(labeling, labeled)
    # One order for all, so that a new answer does not change which images are shown.
    order = np.random.default_rng(0).permutation(len(labeling.names))
    classes = []
    for name in labeling.classes:
        rest = predicted.get(name)
        drawn = [] if rest is None else rest[np.argsort(order[rest])[:samples]].tolist()
        count = None if rest is None else len(rest)
        classes.append({"name": name, "labeled": counts[name], "predicted": count, "samples": drawn})
    return {
        "waiting": labeling.waiting,
        "total": len(labeling.names),
        "labeled": len(labeled),
        "skipped": len(labeling.answers) - len(labeled),
        "can_undo": bool(labeling.answers),
        "accuracy": None if labeling.accuracy is None else labeling.accuracy._asdict(),
        "classes": classes,
    }


def _predicted(labeling, labeled):
    """dict of class -> indices of the images without a label that the head gives it; empty without a head."""
    if labeling.head is None:
        return {}
    likeliest = np.argmax(labeling.scores, axis=1)
    rest = np.ones(len(likeliest), bool)
    rest[list(labeled)] = False
    return {name: np.flatnonzero(rest & (likeliest == i)) for i, name in enumerate(labeling.head.labels)}
