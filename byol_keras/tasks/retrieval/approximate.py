"""The nearest of a large set of vectors, found through a graph of neighbors (HNSW, by usearch)."""

import numpy as np

from ...evaluation.neighbors import l2_normalize_rows
from .exact import ExactNeighbors

# Candidates that the graph gives for each neighbor wanted; these are compared exactly.
CANDIDATES = 4
# The least number of candidates to go through in the graph: more of them miss less and cost more.
EXPANSION = 128


class ApproximateNeighbors(ExactNeighbors):
    """All vectors in one array, and a graph that leads from any of them to its neighbors.

    The graph (Malkov and Yashunin 2018, arXiv 1603.09320) holds the vectors in half precision and gives candidates,
    which are then ranked by the array. So distances are exact; what can happen is that a neighbor is missed.

    Args:
        vectors: (N, D) float32, from `l2_normalize_rows`.
        keys: (N,) int64, ascending, the name of each vector in the graph; None to build the graph now.
        graph: bytes, as `saved_graph` gave them; None to build the graph now.

    Attributes:
        vectors, keys: the same.
    """

    kind = "approximate"

    def __init__(self, vectors, keys=None, graph=None):
        from usearch.index import Index

        super().__init__(vectors[:0])
        self.keys = np.zeros(0, np.int64)
        self._graph = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
        if graph is None:
            self.add(vectors)
        else:
            self.vectors, self.keys = vectors, keys
            self._graph.load(graph)

    def nearest(self, queries, k):
        """As `ExactNeighbors.nearest`, of the images to which the graph leads."""
        queries = l2_normalize_rows(queries)
        count = min(max(CANDIDATES * k, EXPANSION), len(self.vectors))
        self._graph.expansion_search = max(count, EXPANSION)
        rows, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
        for i, query in enumerate(queries):
            found = np.searchsorted(self.keys, self._graph.search(query, count, threads=1).keys.astype(np.int64))
            if len(found) < k:
                # The graph does not lead to enough.
                found = np.arange(len(self.vectors))
            distance = 1 - self.vectors[found] @ query
            order = np.lexsort((found, distance))[:k]
            rows[i], distances[i] = found[order], distance[order]
        return rows, np.clip(distances, 0, 2)

    def add(self, vectors):
        """Appends vectors, (n, D) float32 from `l2_normalize_rows`."""
        # A key that was removed may be used again.
        first = self.keys[-1] + 1 if len(self.keys) else 0
        keys = np.arange(first, first + len(vectors))
        # With more threads the graph would depend on who comes first.
        self._graph.add(keys, vectors, threads=1)
        self.keys = np.concatenate([self.keys, keys])
        super().add(vectors)

    def remove(self, rows):
        """Takes out the vectors at `rows`, (n,) int; those after them move up."""
        self._graph.remove(self.keys[rows])
        self.keys = np.delete(self.keys, rows)
        super().remove(rows)

    def saved_graph(self):
        """The graph as bytes, for the next `ApproximateNeighbors`."""
        return bytes(self._graph.save())
