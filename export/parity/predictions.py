"""Whether an exported classifier answers as Keras does."""

import numpy as np

from byol_keras.errors import ParityError
from byol_keras.evaluation.linear_head import LinearHead, probabilities

# By format: how far an answer may be from Keras', see `distance`. Formats that round to float32 or float16 must be near
# for every image, those in int8 in the mean over the images.
MAY_DIFFER = {"tflite float16": ("largest", 0.02), "tflite dynamic": ("mean", 0.05), "tflite int8": ("mean", 0.05)}
FLOAT_DIFFERENCE = ("largest", 0.001)


def compared(
    name: str, kind: str, outcome: dict[str, np.ndarray], reference: np.ndarray, head: LinearHead
) -> tuple[float, str, bool]:
    """The deciding statistic of `distance` for a file, what was asked of it in words, and whether it holds.

    name, kind: of the file, and its format.
    outcome: what its runner wrote.
    reference: (N, D) float, the embeddings that Keras gives.
    """
    if "labels" not in outcome:
        raise ParityError(f"{name}: the file names no classes. Export it with the classifier's head.")
    statistic, limit = may_differ(kind)
    differ = distance(outcome["labels"], outcome["scores"], reference, head)
    figure = float(differ.max() if statistic == "largest" else differ.mean())
    return figure, f"{statistic} <= {limit}", figure <= limit


def distance(labels: np.ndarray, scores: np.ndarray, reference: np.ndarray, head: LinearHead) -> np.ndarray:
    """How far the first answers of a file are from Keras', for each image, 0 to 1.

    A class that is not Keras' first is as wrong as it is less likely than that one; a probability is as wrong as it
    differs. The larger of the two counts, so that classes which Keras thinks equally likely may change places.

    labels: (N,) str, and scores: (N,) float, what the file answers.
    reference: (N, D) float, the embeddings that Keras gives.
    """
    theirs = probabilities(head, np.asarray(reference, np.float64))
    position = {label: i for i, label in enumerate(head.labels)}
    of_answer = theirs[np.arange(len(theirs)), [position[str(label)] for label in labels]]
    return np.maximum(theirs.max(axis=1) - of_answer, np.abs(scores - of_answer))


def may_differ(kind: str) -> tuple[str, float]:
    """The statistic of `distance` that decides for a format, "largest" or "mean", and its limit."""
    return MAY_DIFFER.get(kind, FLOAT_DIFFERENCE)
