"""Whether an exported classifier predicts what Keras predicts."""

import numpy as np

from byol_keras.errors import ParityError
from byol_keras.evaluation.linear_head import LinearHead, probabilities

# By format: how far a prediction may be from Keras', see `prediction_distance`. Formats that round to float32 or
# float16 must be near for every image, those in int8 in the mean over the images.
ALLOWED_DISTANCE = {
    "tflite float16": ("largest", 0.02),
    "tflite dynamic": ("mean", 0.05),
    "tflite int8": ("mean", 0.05),
}
FLOAT_DISTANCE = ("largest", 0.001)


def compare_predictions(
    name: str, kind: str, outcome: dict[str, np.ndarray], reference: np.ndarray, head: LinearHead
) -> tuple[float, str, bool]:
    """Compares the predictions of a file with Keras'.

    Args:
        name: of the file, for the message.
        kind: its format, a key of `comparison.TOLERANCE`.
        outcome: what its runner wrote.
        reference: (N, D) float, the embeddings that Keras gives.
        head: that the file was exported with.

    Returns:
        The deciding statistic of `prediction_distance`, what is required of it in words, and whether it holds.

    Raises:
        ParityError: if the file has no classes.
    """
    if "labels" not in outcome:
        raise ParityError(f"{name}: the file names no classes. Export it with the classifier's head.")
    statistic, limit = allowed_distance(kind)
    distance = prediction_distance(outcome["labels"], outcome["scores"], reference, head)
    figure = float(distance.max() if statistic == "largest" else distance.mean())
    return figure, f"{statistic} <= {limit}", figure <= limit


def prediction_distance(labels: np.ndarray, scores: np.ndarray, reference: np.ndarray, head: LinearHead) -> np.ndarray:
    """How far the top-1 predictions of a file are from Keras'.

    A class that is not Keras' top-1 is as wrong as it is less probable than that one; a probability is as wrong as it
    differs. The larger of the two counts, so that classes which Keras finds equally probable may change places.

    Args:
        labels: (N,) str, the classes that the file predicts.
        scores: (N,) float, their probabilities.
        reference: (N, D) float, the embeddings that Keras gives.
        head: that the file was exported with.

    Returns:
        (N,) float from 0 to 1.

    Raises:
        ParityError: if the file predicts a class that the head does not have.
    """
    expected = probabilities(head, np.asarray(reference, np.float64))
    position = {label: i for i, label in enumerate(head.labels)}
    if unknown := sorted({str(label) for label in labels} - set(position)):
        raise ParityError(
            f"The file names a class that its head does not have: export it with this head. Received: {unknown[0]!r}"
        )
    of_predicted = expected[np.arange(len(expected)), [position[str(label)] for label in labels]]
    return np.maximum(expected.max(axis=1) - of_predicted, np.abs(scores - of_predicted))


def allowed_distance(kind: str) -> tuple[str, float]:
    """What decides for a format: the statistic of `prediction_distance`, "largest" or "mean", and its limit.

    Args:
        kind: a key of `comparison.TOLERANCE`.
    """
    return ALLOWED_DISTANCE.get(kind, FLOAT_DISTANCE)
