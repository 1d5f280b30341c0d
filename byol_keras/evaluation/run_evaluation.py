"""What `byol-keras evaluate` does: the trained encoder of a run beside the same encoder untrained."""

import json
import time

import keras
import numpy as np

from ..atomic import written_beside
from ..data import open_source
from ..errors import InputError
from ..pretraining import build_encoder
from ..run import read_run
from .embedding import embed
from .knn import knn_accuracy
from .linear import linear_accuracy, linear_accuracy_sgd

NEIGHBOURS = 20


def evaluate_run(folder, train, test, label_fraction=1.0, sgd=False, seed=0):
    """Judges a run by k-NN and a linear probe on frozen embeddings; writes RUN/evaluation.json.

    Args:
        folder: the run.
        train, test: SOURCEs of labelled pictures with the same classes.
        label_fraction: float in (0, 1], share of the training labels used, the same share of each class.
        sgd: whether to run the authors' linear protocol, 80 epochs of SGD, instead of L-BFGS.
        seed: int, of the choice of labels and of SGD.

    Returns:
        dict: what was evaluated, and under "results" a row for "untrained" and "trained" with "knn" and "linear"
        accuracy, from 0 to 1.

    Raises:
        InputError: for a run without an encoder, or sources without labels or with other classes.
    """
    run = read_run(folder)
    if not run.encoder.exists():
        raise InputError(f"{run.folder} has no encoder.keras yet: training has not finished, see --resume.")
    train_pictures, test_pictures = _labelled(train), _labelled(test)
    if train_pictures.class_names != test_pictures.class_names:
        raise InputError(
            f"{train} and {test} do not have the same classes. "
            f"Received: {_names(train_pictures)} and {_names(test_pictures)}"
        )
    chosen = stratified(train_pictures.labels, label_fraction, seed)
    train_pictures = train_pictures.subset(chosen)
    result = {
        "train": {"source": str(train), "pictures": len(train_pictures)},
        "test": {"source": str(test), "pictures": len(test_pictures)},
        "label_fraction": label_fraction,
        "neighbours": NEIGHBOURS,
        "linear_probe": "sgd" if sgd else "lbfgs",
        "results": {},
    }
    for name, encoder in (("untrained", build_encoder(run)), ("trained", keras.models.load_model(run.encoder))):
        start = time.monotonic()
        result["results"][name] = judge(encoder, train_pictures, test_pictures, sgd, seed)
        result["results"][name]["seconds"] = round(time.monotonic() - start, 1)
    with written_beside(run.evaluation) as path:
        path.write_text(json.dumps(result, indent=2) + "\n")
    return result


def judge(encoder, train, test, sgd=False, seed=0):
    """k-NN and linear accuracy of one encoder, {"knn": float, "linear": float}."""
    train_vectors, test_vectors = embed(encoder, train), embed(encoder, test)
    if sgd:
        linear = linear_accuracy_sgd(encoder, train, test, seed=seed)
    else:
        linear = linear_accuracy(train_vectors, train.labels, test_vectors, test.labels)
    return {"knn": knn_accuracy(train_vectors, train.labels, test_vectors, test.labels, NEIGHBOURS), "linear": linear}


def stratified(labels, fraction, seed):
    """Indices of a random share of the pictures, the same share of each class, at least one.

    Args:
        labels: (N,) int.
        fraction: float in (0, 1].
        seed: int.

    Returns:
        (n,) int, sorted.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"The share of labels must be above 0 and at most 1. Received: label_fraction={fraction}")
    generator = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        chosen.append(members[: max(1, round(fraction * len(members)))])
    return np.sort(np.concatenate(chosen))


def table(result):
    """The accuracies as a text table, in percent."""
    linear = "linear (SGD)" if result["linear_probe"] == "sgd" else "linear (L-BFGS)"
    neighbours = f"{result['neighbours']}-NN"
    lines = [
        f"{result['train']['pictures']:,} training and {result['test']['pictures']:,} test pictures, accuracy in %",
        f"{'encoder':<12}{neighbours:>10}{linear:>18}",
    ]
    for name, row in result["results"].items():
        lines.append(f"{name:<12}{100 * row['knn']:>10.1f}{100 * row['linear']:>18.1f}")
    untrained, trained = result["results"]["untrained"], result["results"]["trained"]
    gains = [100 * (trained[key] - untrained[key]) for key in ("knn", "linear")]
    lines.append(f"{'gain':<12}{gains[0]:>+10.1f}{gains[1]:>+18.1f}")
    return "\n".join(lines)


def _labelled(source):
    pictures = open_source(source)
    if pictures.labels is None:
        raise InputError(f"{source} has no labels: put the pictures of each class in a subfolder of its own.")
    if len(np.unique(pictures.labels)) < 2:
        raise InputError(f"{source} has one class only: nothing to tell apart.")
    return pictures


def _names(pictures):
    if pictures.class_names is None:
        return "classes without names"
    names = ", ".join(pictures.class_names[:5])
    return f"{len(pictures.class_names)} classes ({names}{', ...' if len(pictures.class_names) > 5 else ''})"
