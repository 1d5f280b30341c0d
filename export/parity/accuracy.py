"""How much of the k-NN accuracy an exported file keeps."""

import dataclasses
import importlib.util

import numpy as np

from byol_keras.data import open_source
from byol_keras.data.images import evenly
from byol_keras.errors import InputError
from byol_keras.evaluation import knn_leave_one_out

from ..formats.calibration import square_images

NEIGHBORS = 20
IMAGES = 2000  # of a labeled SOURCE; chance then moves an accuracy near 50 % by 1.1 points, the same for all files

# Points of accuracy that a format may lose; a format not named here rounds in float32 only, and may lose FLOAT_LOSS.
MAY_LOSE = {"tflite float16": 0.5, "tflite dynamic": 1.0, "tflite int8": 1.0}
FLOAT_LOSS = 0.2


@dataclasses.dataclass(frozen=True)
class Labeled:
    """Images to judge by, `images` uint8 (N, H, W, C) and `labels` int (N,), at least two classes."""

    images: np.ndarray
    labels: np.ndarray


def labeled_sample(data: str, image_size: int, channels: int) -> Labeled:
    """At most IMAGES of a labeled SOURCE, evenly taken, as an encoder gets them.

    Raises InputError if it has no labels, one class only, NEIGHBORS images or fewer, or other channels.
    """
    if importlib.util.find_spec("sklearn") is None:
        raise InputError('The k-NN accuracy needs scikit-learn. Install it: pip install "byol_keras[evaluation]"')
    source = open_source(data)
    if source.labels is None:
        raise InputError(f"{data} has no labels: put the images of each class in a subfolder of its own.")
    if source.channels != channels:
        raise InputError(f"The encoder takes images with {channels} channels. Received: {data} with {source.channels}")
    chosen = source.subset(evenly(len(source), IMAGES))
    if len(np.unique(chosen.labels)) < 2:
        raise InputError(f"{data} has one class only: nothing to tell apart.")
    if len(chosen) <= NEIGHBORS:
        raise InputError(
            f"{data} has too few images for the vote of {NEIGHBORS} neighbors: give at least {NEIGHBORS + 1}. "
            f"Received: {len(chosen)}"
        )
    return Labeled(square_images(chosen, image_size), chosen.labels)


def right_ones(embedding: np.ndarray, labeled: Labeled) -> np.ndarray:
    """(N,) bool: which images get their class by the vote of their nearest others; none where not all is finite."""
    if not np.isfinite(embedding).all():
        return np.zeros(len(embedding), bool)
    return knn_leave_one_out(embedding, labeled.labels, NEIGHBORS)


def lost_too_much(kind: str, ours: np.ndarray, reference: np.ndarray) -> bool:
    """Whether a file of format `kind` loses more than it may, beyond what chance makes likely.

    ours, reference: (N,) bool, the images that the file and Keras get right. Only those that one of them gets wrong
    count; if they fell by the toss of a coin, the difference would have a deviation of the root of their number
    (McNemar 1947), and twice that is granted.
    """
    lost = int(reference.sum()) - int(ours.sum())
    chance = 2 * np.sqrt(np.sum(ours != reference))
    return lost > may_lose(kind) / 100 * len(ours) + chance


def may_lose(kind: str) -> float:
    """Points of accuracy that a format may lose."""
    return MAY_LOSE.get(kind, FLOAT_LOSS)
