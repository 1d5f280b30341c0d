"""What the page shows, as JSON."""

from collections import Counter

import numpy as np

from ..session import LabelingSession

# Images shown of each class that the head predicts.
SAMPLES = 6


def label_state(session: LabelingSession, samples: int = SAMPLES) -> dict:
    """All the page needs to know.

    Args:
        session: `LabelingSession`.
        samples: int, images of each class.

    Returns:
        dict that JSON can hold: `waiting` (indices, the first is asked about), `total`, `labeled`, `skipped`,
        `can_undo`, `accuracy` (share, error, count, or None), and `classes`, for each its `name`, how many are
        `labeled`, how many others the head gives it (`predicted`, None without a head), and `samples`, indices of some
        of these, drawn at random.
    """
    labeled = session.labeled
    counts = Counter(labeled.values())
    predicted = _predicted(session, labeled)
    # One order for all, so that a new answer does not change which images are shown.
    order = np.random.default_rng(0).permutation(len(session.names))
    classes = []
    for name in session.classes:
        rest = predicted.get(name)
        drawn = [] if rest is None else rest[np.argsort(order[rest])[:samples]].tolist()
        count = None if rest is None else len(rest)
        classes.append({"name": name, "labeled": counts[name], "predicted": count, "samples": drawn})
    return {
        "waiting": session.waiting,
        "total": len(session.names),
        "labeled": len(labeled),
        "skipped": len(session.labels) - len(labeled),
        "can_undo": bool(session.labels),
        "accuracy": None if session.accuracy is None else session.accuracy._asdict(),
        "classes": classes,
    }


def _predicted(session, labeled):
    """dict of class -> indices of the images without a label that the head gives it; empty without a head."""
    if session.head is None:
        return {}
    top_1 = np.argmax(session.scores, axis=1)
    rest = np.ones(len(top_1), bool)
    rest[list(labeled)] = False
    return {name: np.flatnonzero(rest & (top_1 == i)) for i, name in enumerate(session.head.labels)}
