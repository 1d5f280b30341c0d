"""The images among which an export can look for the most similar ones."""

import dataclasses

import numpy as np

from byol_keras.errors import InputError

MOST_BYTES = 200_000_000  # of embeddings; a larger index belongs into a search service beside the model


@dataclasses.dataclass(frozen=True)
class NeighborIndex:
    """Known images: their names and embeddings, as `byol-keras embed` writes them.

    Attributes:
        names: N strings, N from 1.
        embeddings: float32 (N, D), of any length; they are compared by cosine. At most MOST_BYTES.
    """

    names: tuple[str, ...]
    embeddings: np.ndarray

    def __post_init__(self):
        names, embeddings = tuple(str(name) for name in self.names), np.asarray(self.embeddings, np.float32)
        if embeddings.ndim != 2 or len(embeddings) != len(names) or not names:
            raise InputError(
                "An index has a name for each of its embeddings (N, D), N from 1. "
                f"Received: {len(names)} names, embeddings {embeddings.shape}"
            )
        if not np.isfinite(embeddings).all():
            raise InputError("An index's embeddings must be finite. Received: embeddings with others")
        if embeddings.nbytes > MOST_BYTES:
            raise InputError(
                f"An index that ships inside a SavedModel has at most {MOST_BYTES} bytes of embeddings. Keep fewer "
                f"images, or a search service beside the model. Received: {embeddings.nbytes} bytes"
            )
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "embeddings", embeddings)

    def normalized(self):
        """float32 (N, D), each row of length 1; a row of zeros stays one."""
        lengths = np.linalg.norm(self.embeddings, axis=1, keepdims=True)
        return self.embeddings / np.maximum(lengths, 1e-6)
