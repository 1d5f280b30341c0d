"""The results of classifiers, beside the one that always answers the most common class."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ..evaluation.confusion import accuracy, balanced_accuracy, confusion_matrix
from .results import Result, results_of

MAJORITY = "majority class"
# A matrix of more classes fits on no page.
MOST_CLASSES = 20


def classification_results(
    task: str,
    predictions: Mapping[str, Sequence[np.ndarray]],
    train_labels: Sequence[np.ndarray],
    test_labels: np.ndarray,
    class_names: Sequence[str],
    data: str,
    settings: Mapping,
    started: float,
    command: str,
) -> list[Result]:
    """Accuracy and balanced accuracy of each method, and of always answering the most common class.

    Args:
        task, data, settings, command: as for `Result`.
        predictions: method -> for each label subset the classes of the test images, (M,) int.
        train_labels: for each label subset its labels, (N,) int.
        test_labels: (M,) int.
        class_names: C names.
        started: as for `results_of`.

    Returns:
        list of two `Result`, with standard errors; the first with the confusion matrices where there are few classes.
    """
    common = [np.full(len(test_labels), np.argmax(np.bincount(labels))) for labels in train_labels]
    results = []
    for metric, measure in (("accuracy", accuracy), ("balanced accuracy", balanced_accuracy)):
        measured = {
            method: [measure(test_labels, each) for each in subsets]
            for method, subsets in {**predictions, MAJORITY: common}.items()
        }
        scores = {method: [score for score, _ in pairs] for method, pairs in measured.items()}
        (result,) = results_of(task, {metric: scores}, data, dict(settings), started, command)
        errors = {method: [error for _, error in pairs] for method, pairs in measured.items()}
        results.append(dataclasses.replace(result, errors=errors))
    if (count := len(class_names)) <= MOST_CLASSES:
        summed = {
            method: sum(confusion_matrix(test_labels, each, count) for each in subsets).tolist()
            for method, subsets in predictions.items()
        }
        results[0] = dataclasses.replace(results[0], classes=[str(name) for name in class_names], confusions=summed)
    return results
