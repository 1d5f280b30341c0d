"""The images among which an exported encoder can look for the most similar ones."""

import dataclasses

import numpy as np

from byol_keras.errors import InputError

MAX_BYTES = 200_000_000  # of embeddings; a larger index belongs into a search service beside the model


@dataclasses.dataclass(frozen=True)
class NeighborIndex:
    """Known images: their names and embeddings, as `byol-keras embed` writes them.

    Attributes:
        names: N strings, N from 1.
        embeddings: (N, D) float32, of any length; they are compared by cosine. At most MAX_BYTES.
        encoder: the fingerprint of the encoder that made them; None where that is not known.

    Raises:
        InputError: if the names do not fit the embeddings, if not all of these are finite, or if they are too large.

    Example:
        known = np.load("known.npz")  # byol-keras embed runs/photos --data photos --out known.npz
        index = bk.export.NeighborIndex(known["names"], known["embeddings"], known["encoder"])
        bk.export.saved_model(encoder, "serving/encoder/1", index=index)
    """

    names: tuple[str, ...]
    embeddings: np.ndarray
    encoder: str | None = None

    def __post_init__(self):
        names, embeddings = tuple(str(name) for name in self.names), np.asarray(self.embeddings, np.float32)
        if embeddings.ndim != 2 or len(embeddings) != len(names) or not names:
            raise InputError(
                "An index has a name for each of its embeddings (N, D), N from 1. "
                f"Received: {len(names)} names, embeddings {embeddings.shape}"
            )
        if not np.isfinite(embeddings).all():
            raise InputError("An index's embeddings must be finite. Received: embeddings with others")
        if embeddings.nbytes > MAX_BYTES:
            raise InputError(
                f"An index that ships inside a SavedModel has at most {MAX_BYTES} bytes of embeddings. Use fewer "
                f"images, or a search service beside the model. Received: {embeddings.nbytes} bytes"
            )
        object.__setattr__(self, "names", names)
        # As `np.load` gives a text: an array without axes.
        object.__setattr__(self, "encoder", None if self.encoder is None else str(self.encoder))
        object.__setattr__(self, "embeddings", embeddings)
