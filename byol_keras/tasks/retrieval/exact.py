"""The nearest of a set of vectors, found by comparing with each."""

import numpy as np

from ...evaluation.neighbors import l2_normalize_rows, nearest


class ExactNeighbors:
    """All vectors in one array. A search costs a multiplication with each: nothing is missed.

    Args:
        vectors: (N, D) float32, from `l2_normalize_rows`.

    Attributes:
        vectors: the same.
    """

    kind = "exact"

    def __init__(self, vectors):
        self.vectors = vectors

    def nearest(self, queries, k):
        """The k nearest vectors of each query by cosine distance, nearest first.

        Args:
            queries: (Q, D) float.
            k: int, 1 to N.

        Returns:
            rows of `vectors`, (Q, k) int64, and distances, (Q, k) float32: 1 - cosine, from 0 to 2.
        """
        return nearest(l2_normalize_rows(queries), self.vectors, k)

    def add(self, vectors):
        """Appends vectors, (n, D) float32 from `l2_normalize_rows`."""
        self.vectors = np.concatenate([self.vectors, vectors])

    def remove(self, rows):
        """Takes out the vectors at `rows`, (n,) int; those after them move up."""
        self.vectors = np.delete(self.vectors, rows, axis=0)
