"""How much of the k-NN accuracy an exported file retains."""

from collections.abc import Sequence

import numpy as np

from byol_keras.data.images import evenly
from byol_keras.errors import InputError
from byol_keras.evaluation import knn_leave_one_out
from byol_keras.utils.extras import require_extra

from ..source_images import open_for_encoder, square_images

NEIGHBORS = 20
MAX_IMAGES = 2000  # chance then moves an accuracy near 50 % by 1.1 points, the same for all files

# Points of accuracy that a format may lose; a format not named here rounds in float32 only, and may lose FLOAT_LOSS.
ALLOWED_LOSS = {"tflite float16": 0.5, "tflite dynamic": 1.0, "tflite int8": 1.0}
FLOAT_LOSS = 0.2


def labeled_sample(
    data: str, image_size: int, channels: int, value_range: Sequence[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """At most MAX_IMAGES of a labeled source, evenly chosen, as an encoder gets them.

    Args:
        data: a folder with a subfolder for each class, or another name of labeled data.
        image_size: S.
        channels: C.
        value_range: of the encoder's run, see `byol_keras.data.open_source`.

    Returns:
        Images (N, S, S, C) uint8, and labels (N,) int of at least two classes.

    Raises:
        InputError: if the images have no labels, one class only or cannot have as many channels, if there are NEIGHBORS
            or fewer, or if scikit-learn is not installed.
    """
    require_extra("The k-NN accuracy", "sklearn")
    source = open_for_encoder(data, channels, value_range)
    if source.labels is None:
        raise InputError(f"{data} has no labels: put the images of each class in a subfolder of its own.")
    chosen = source.subset(evenly(len(source), MAX_IMAGES))
    if len(np.unique(chosen.labels)) < 2:
        raise InputError(f"{data} has one class only: nothing to tell apart.")
    if len(chosen) <= NEIGHBORS:
        raise InputError(
            f"{data} has too few images for the vote of {NEIGHBORS} neighbors: give at least {NEIGHBORS + 1}. "
            f"Received: {len(chosen)}"
        )
    return square_images(chosen, image_size), chosen.labels


def correct_by_neighbors(embeddings: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Which images get their class by the vote of their nearest others.

    Args:
        embeddings: (N, D) float.
        labels: (N,) int.

    Returns:
        (N,) bool; none where not every embedding is finite.
    """
    if not np.isfinite(embeddings).all():
        return np.zeros(len(embeddings), bool)
    return knn_leave_one_out(embeddings, labels, NEIGHBORS)


def loses_too_much(kind: str, correct: np.ndarray, reference: np.ndarray) -> bool:
    """Whether a file of format `kind` loses more than it may, beyond what chance makes likely.

    Only the images that one of the two gets wrong count; if they fell by the toss of a coin, the difference would have
    a standard deviation of the root of their number (McNemar 1947), and twice that is granted.

    Args:
        kind: a key of `comparison.TOLERANCE`.
        correct: (N,) bool, the images whose class the file gets right.
        reference: (N,) bool, those that Keras gets right.
    """
    lost = int(reference.sum()) - int(correct.sum())
    chance = 2 * np.sqrt(np.sum(correct != reference))
    return lost > allowed_loss(kind) / 100 * len(correct) + chance


def allowed_loss(kind: str) -> float:
    """Points of accuracy that a format may lose.

    Args:
        kind: a key of `comparison.TOLERANCE`.
    """
    return ALLOWED_LOSS.get(kind, FLOAT_LOSS)
