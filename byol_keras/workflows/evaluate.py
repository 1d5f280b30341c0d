"""What `byol-keras evaluate` does: the trained encoder of a run beside the same encoder untrained."""

import os
import time

import keras
import numpy as np

from ..data.images import ImageSource
from ..data.labeled import class_names_of, open_train_and_test
from ..evaluation.embed import as_taken, embed
from ..evaluation.knn import knn_predictions
from ..evaluation.label_subsets import label_subsets
from ..evaluation.linear import linear_predictions_sgd
from ..evaluation.linear_head import top_1
from ..evaluation.mel_statistics import mel_statistics
from ..runs.build import trained_and_untrained
from ..runs.classification_results import classification_results
from ..runs.results import Result, check_results, results_name, share, write_results
from ..runs.run_config import load_finished_run
from ..utils.extras import require_extra
from ..utils.progress import print_beside

NEIGHBORS = 20
MEL = "mel statistics"


def evaluate_run(
    folder: str | os.PathLike,
    train: str | os.PathLike,
    test: str | os.PathLike,
    label_fraction: float = 1.0,
    sgd: bool = False,
    seed: int = 0,
    subsets: int = 1,
    command: str = "",
) -> list[Result]:
    """Evaluates a run by k-NN and a linear probe on frozen embeddings; writes RUN/results/evaluation.json.

    With a share of the labels the file is evaluation-10pct.json and the like.

    Args:
        folder: the run.
        train, test: labeled images with the same classes, see `data.open_source`.
        label_fraction: in (0, 1], share of the training labels used, the same share of each class.
        sgd: whether to run the authors' linear protocol, 80 epochs of SGD, instead of L-BFGS.
        seed: of the first label subset and of SGD.
        subsets: how many label subsets are evaluated, with the seeds from `seed` on.
        command: the command line, for the results.

    Returns:
        list of four `Result`: accuracy and balanced accuracy of k-NN, and of the linear probe, each with a score per
        label subset for "pretrained", "untrained" and "majority class", which always answers the most common one; of
        recordings also for "mel statistics", see `evaluation.mel_statistics`, but for `sgd`, which takes an encoder.
        With fewer labeled images than neighbors, the linear probe's two alone, which is said.

    Raises:
        InputError: for a run without an encoder, sources without labels or with other classes, or a share or a number
            of subsets out of range.
    """
    started = time.monotonic()
    require_extra("Evaluation", "sklearn")
    run = load_finished_run(folder)
    check_results(run)
    train_source, test_source = open_train_and_test(train, test, run.value_range)
    chosen = label_subsets(train_source.labels, label_fraction, subsets, seed)
    if few := len(chosen[0]) < NEIGHBORS:
        print_beside(f"{NEIGHBORS} neighbors need as many labeled images, and there are {len(chosen[0])}: no k-NN.")
    knn, linear = {}, {}
    for method, encoder in trained_and_untrained(run).items():
        knn[method], linear[method] = _predictions(encoder, train_source, test_source, chosen, sgd, seed)
    if train_source.sample_rate is not None and not sgd:
        train_source, test_source = (as_taken(run.encoder, source) for source in (train_source, test_source))
        vectors = mel_statistics(train_source), mel_statistics(test_source)
        knn[MEL], linear[MEL] = _of_vectors(*vectors, train_source.labels, chosen)
    settings = {
        "label_subsets": subsets,
        "seed": seed,
        "training_images": len(chosen[0]),
        "test_images": len(test_source),
    }
    labels, names = [train_source.labels[subset] for subset in chosen], class_names_of(train_source)
    results = []
    for method, predictions, more in (
        (f"{NEIGHBORS}-NN", knn, {"neighbors": NEIGHBORS}),
        ("linear probe", linear, {"fitted_by": "sgd" if sgd else "lbfgs"}),
    ):
        if predictions is knn and few:
            continue
        task = f"Image classification, {method}, {share(label_fraction)}"
        measured = f"{train} -> {test}", settings | more, started, command
        results += classification_results(task, predictions, labels, test_source.labels, names, *measured)
    write_results(run, results_name("evaluation", label_fraction), results)
    return results


def _predictions(
    encoder: keras.Model, train: ImageSource, test: ImageSource, chosen: list[np.ndarray], sgd: bool, seed: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The test images' classes by k-NN and by the linear probe, for each of the subsets `chosen` to train on."""
    # An image is embedded once, in however many subsets it is.
    used, test_vectors = np.unique(np.concatenate(chosen)), embed(encoder, test)
    vectors = embed(encoder, train.subset(used))
    places = [np.searchsorted(used, subset) for subset in chosen]
    knn, linear = _of_vectors(vectors, test_vectors, train.labels[used], places, not sgd)
    if sgd:
        for i, subset in enumerate(chosen):
            linear.append(linear_predictions_sgd(encoder, train.subset(subset), test, seed=seed + i))
    return knn, linear


def _of_vectors(vectors, test_vectors, labels, chosen, probed=True):
    """As `_predictions`, of vectors that are there already; without the linear probe unless `probed`."""
    knn = [
        knn_predictions(vectors[some], labels[some], test_vectors, NEIGHBORS)
        for some in chosen
        if len(some) >= NEIGHBORS
    ]
    return knn, [top_1(vectors[some], labels[some], test_vectors) for some in chosen if probed]
