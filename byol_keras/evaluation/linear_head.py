"""The linear classifier that an export can carry."""

import dataclasses
import zipfile

import numpy as np

from ..errors import InputError
from ..utils.atomic import atomic_path
from .linear import logistic_regression


@dataclasses.dataclass(frozen=True)
class LinearHead:
    """Scores of classes from embeddings: softmax(embeddings @ weights + bias).

    Attributes:
        weights: float32 (D, K).
        bias: float32 (K,).
        labels: the names of the K classes, K from 2.
    """

    weights: np.ndarray
    bias: np.ndarray
    labels: tuple[str, ...]

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
        for name, value in (("weights", weights), ("bias", bias), ("labels", labels)):
            object.__setattr__(self, name, value)

    @classmethod
    def fit(cls, embeddings, labels, class_names, c=1.0):
        """The linear probe of the evaluation, kept: logistic regression on standardized embeddings.

        Args:
            embeddings: (N, D) float, as `byol-keras embed` writes them.
            labels: (N,) int, indices into `class_names`.
            class_names: K strings.
            c: inverse strength of the L2 penalty.

        Returns:
            LinearHead over the classes that occur in `labels`. The standardization is multiplied into its weights.

        Raises:
            InputError: if the arguments do not fit together, or if fewer than two classes occur.
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
        classes, weights, bias = logistic_regression(embeddings, labels, c)
        return cls(weights, bias, tuple(str(class_names[label]) for label in classes))

    def save(self, path):
        """Writes `weights`, `bias` and `labels` to an .npz, for `load` and for `byol-keras export --head`."""
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, weights=self.weights, bias=self.bias, labels=np.array(self.labels))

    @classmethod
    def load(cls, path):
        """The head in an .npz that `save` wrote.

        Raises:
            InputError: for a file that is not one.
        """
        try:
            # Given a path, numpy would leave the file open when it finds it damaged.
            with open(path, "rb") as file, np.load(file) as arrays:
                return cls(arrays["weights"], arrays["bias"], tuple(arrays["labels"]))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"{path} cannot be read as a head: {error}. `byol-keras label` writes one.") from error
