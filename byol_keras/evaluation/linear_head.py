"""The linear classifier on embeddings: fitted to labels, with its probabilities, and part of an export."""

import dataclasses
import os
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from ..errors import InputError, first_line
from ..utils.atomic import atomic_path
from ..utils.extras import require_extra

FOLDS = 5
# Fewer labels say nothing about accuracy.
ENOUGH = 20


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """Scores of classes from embeddings: softmax(embeddings @ weights + bias).

    Attributes:
        weights: float32 (D, K).
        bias: float32 (K,).
        labels: the names of the K classes, K from 2.
        encoder: the fingerprint of the encoder whose embeddings it is for; None where that is not known.

    Raises:
        InputError: for shapes that do not fit together, a name that comes twice, or numbers that are not finite.

    Example:
        head = bk.evaluation.LinearHead.fit(embeddings, source.labels, source.class_names)
        head.save("head.npz")
    """

    weights: np.ndarray
    bias: np.ndarray
    labels: tuple[str, ...]
    encoder: str | None = None

    def __post_init__(self):
        weights, bias = np.asarray(self.weights, np.float32), np.asarray(self.bias, np.float32)
        labels = tuple(str(label) for label in self.labels)
        if weights.ndim != 2 or bias.shape != (len(labels),) or weights.shape[1] != len(labels) or len(labels) < 2:
            raise InputError(
                "A linear head has weights (D, K), bias (K,) and K labels, K from 2. "
                f"Received: weights {weights.shape}, bias {bias.shape}, {len(labels)} labels"
            )
        if len(set(labels)) != len(labels):
            raise InputError(f"Two classes of a linear head have the same name. Received: labels={labels}")
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            raise InputError("A linear head's weights must be finite. Received: weights or bias with others")
        # As `np.load` gives a text: an array without axes.
        encoder = None if self.encoder is None else str(self.encoder)
        for name, value in (("weights", weights), ("bias", bias), ("labels", labels), ("encoder", encoder)):
            object.__setattr__(self, name, value)

    @classmethod
    def fit(
        cls,
        embeddings: np.ndarray,
        labels: np.ndarray,
        class_names: Sequence,
        c: float = 1.0,
        encoder: str | None = None,
    ) -> Self:
        """Multinomial logistic regression by L-BFGS on standardized embeddings.

        Args:
            embeddings: (N, D) float, as `embed` gives them.
            labels: (N,) int, indices into `class_names`.
            class_names: K names.
            c: float, inverse strength of the L2 penalty, on standardized embeddings.
            encoder: fingerprint of the encoder that made the embeddings, as `byol-keras embed` writes it beside them.

        Returns:
            LinearHead over the classes that occur in `labels`, in their order. The standardization is multiplied into
            its weights.

        Raises:
            InputError: if the arguments do not fit together, or if fewer than two classes occur, or if
                scikit-learn is not installed.
        """
        embeddings, labels = np.asarray(embeddings, np.float32), np.asarray(labels)
        fits = embeddings.ndim == 2 and labels.shape == (len(embeddings),) and labels.dtype.kind in "iu"
        if not fits or not len(labels) or labels.min() < 0 or labels.max() >= len(class_names):
            raise InputError(
                "A linear head is fitted to embeddings (N, D) and labels (N,), integers that count class_names. "
                f"Received: embeddings {embeddings.shape}, labels {labels.dtype} {labels.shape}, "
                f"{len(class_names)} class names"
            )
        if len(np.unique(labels)) < 2:
            raise InputError("A linear head needs images of two classes at least. Received: labels of one class")
        classes, weights, bias = _logistic_regression(embeddings, labels, c)
        return cls(weights, bias, tuple(str(class_names[label]) for label in classes), encoder)

    def save(self, path: str | os.PathLike) -> None:
        """Writes `weights`, `bias`, `labels` and `encoder` to an .npz, for `load` and for an export of the encoder."""
        made_by = {} if self.encoder is None else {"encoder": np.array(self.encoder)}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, weights=self.weights, bias=self.bias, labels=np.array(self.labels), **made_by)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """The head in an .npz that `save` wrote.

        Raises:
            InputError: for a file that is not one.
        """
        try:
            # Given a path, numpy would leave the file open when it finds it damaged.
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["weights"], arrays["bias"], tuple(arrays["labels"]), arrays.get("encoder"))
        except Exception as error:  # On a damaged archive zipfile and numpy raise nearly anything.
            raise InputError(
                f"{path} cannot be read as a head: {first_line(error)}. `byol-keras label` writes one."
            ) from error


class Accuracy(NamedTuple):
    """An estimate: `share` of `count` images that are right, 0 to 1, and the `error` of that share (one sigma)."""

    share: float
    error: float
    count: int


def logits(head: LinearHead, embeddings: np.ndarray) -> np.ndarray:
    """The head's scores before the softmax: embeddings (N, D) float -> (N, K), float32 or float64 as they are."""
    return np.asarray(embeddings) @ head.weights + head.bias


def probabilities(head: LinearHead, embeddings: np.ndarray) -> np.ndarray:
    """The probability of each class.

    Args:
        head: `LinearHead`.
        embeddings: (N, D) float.

    Returns:
        (N, K) in the order of `head.labels`, each row of sum 1; float32 or float64 as the embeddings are.

    Example:
        top_1 = bk.evaluation.probabilities(head, embeddings).argmax(axis=1)
    """
    scores = logits(head, embeddings)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def cross_validate(embeddings: np.ndarray, labels: np.ndarray, seed: int = 0) -> Accuracy | None:
    """How often a head is right about labeled images it was not trained on, in FOLDS folds.

    Each fold has its share of every class. A class of one image is trained on and not counted, because without that
    image no head could know it. Where the labeled images were not chosen at random, the accuracy on the others is
    another.

    Args:
        embeddings: (N, D) float.
        labels: (N,) int, from 0 on.
        seed: int, of the folds.

    Returns:
        `Accuracy`, or None for fewer than ENOUGH images, or where fewer than two classes have two images.

    Example:
        accuracy = bk.evaluation.cross_validate(embeddings, source.labels)
    """
    labels = np.asarray(labels)
    classes, counts = np.unique(labels, return_counts=True)
    if len(labels) < ENOUGH or np.sum(counts >= 2) < 2:
        return None
    counted = np.isin(labels, classes[counts >= 2])
    fold, right = _folds(labels, seed), np.zeros(len(labels), bool)
    for test in (counted & (fold == f) for f in range(FOLDS)):
        if test.any():
            right[test] = top_1(embeddings[~test], labels[~test], embeddings[test]) == labels[test]
    count = int(counted.sum())
    share = float(right.sum() / count)
    return Accuracy(share, float(np.sqrt(share * (1 - share) / count)), count)


def top_1(train: np.ndarray, labels: np.ndarray, test: np.ndarray, c: float = 1.0) -> np.ndarray:
    """The label that a head fitted to `train` (N, D) and `labels` (N,) gives each of `test` (M, D): (M,) int."""
    head = LinearHead.fit(train, labels, range(int(np.max(labels)) + 1), c)
    return np.array(head.labels, int)[np.argmax(logits(head, np.asarray(test, np.float32)), axis=1)]


def _folds(labels, seed):
    """The fold of each image, (N,) int: of a class, every fold gets as many as the others, or one more."""
    # scikit-learn's StratifiedKFold warns of every class with fewer images than folds, the usual case here.
    generator = np.random.default_rng(seed)
    folds = np.empty(len(labels), int)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        folds[members] = (np.arange(len(members)) + generator.integers(FOLDS)) % FOLDS
    return folds


def _logistic_regression(embeddings, labels, c):
    """Classes (K,) that occur in `labels`, rising, and weights (D, K) and bias (K,) of their logits, float64."""
    require_extra("Fitting a linear head", "sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(embeddings)
    model = LogisticRegression(C=c, max_iter=1000, tol=1e-3).fit(scaler.transform(embeddings), labels)
    weights, bias = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    if len(weights) == 1:  # of two classes only the second has a logit; the first one's is 0
        weights, bias = np.concatenate([np.zeros_like(weights), weights]), np.append(0.0, bias)
    weights = weights / scaler.scale_
    return model.classes_, weights.T, bias - weights @ scaler.mean_
