"""What the page shows, as JSON."""

from collections import Counter

import numpy as np

# Pictures shown of each class that the head predicts.
SAMPLES = 6


def state(labelling, samples=SAMPLES):
    """All the page needs to know.

    Args:
        labelling: `Labelling`.
        samples: int, pictures of each class.

    Returns:
        dict that JSON can hold: `waiting` (indices, the first is asked about), `total`, `labelled`, `skipped`,
        `can_undo`, `accuracy` (share, error, count, or None), and `classes`, for each its `name`, how many are
        `labelled`, how many others the head gives it (`predicted`, None without a head), and `samples`, indices of some
        of these, drawn at random.
    """
    labelled = labelling.labelled
    counts = Counter(labelled.values())
    predicted = _predicted(labelling, labelled)
    # One order for all, so that a new answer does not change which pictures are shown.
    order = np.random.default_rng(0).permutation(len(labelling.names))
    classes = []
    for name in labelling.classes:
        rest = predicted.get(name)
        drawn = [] if rest is None else rest[np.argsort(order[rest])[:samples]].tolist()
        count = None if rest is None else len(rest)
        classes.append({"name": name, "labelled": counts[name], "predicted": count, "samples": drawn})
    return {
        "waiting": labelling.waiting,
        "total": len(labelling.names),
        "labelled": len(labelled),
        "skipped": len(labelling.answers) - len(labelled),
        "can_undo": bool(labelling.answers),
        "accuracy": None if labelling.accuracy is None else labelling.accuracy._asdict(),
        "classes": classes,
    }


def _predicted(labelling, labelled):
    """dict of class -> indices of the pictures without a label that the head gives it; empty without a head."""
    if labelling.head is None:
        return {}
    likeliest = np.argmax(labelling.scores, axis=1)
    rest = np.ones(len(likeliest), bool)
    rest[list(labelled)] = False
    return {name: np.flatnonzero(rest & (likeliest == i)) for i, name in enumerate(labelling.head.labels)}
