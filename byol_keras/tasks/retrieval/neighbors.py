"""The nearest of a set of vectors: by comparing with each, or of many through a graph of neighbors."""

import numpy as np

from ...evaluation.neighbors import l2_normalize_rows, nearest
from ...utils.extras import has_extra

# From so many images on a graph is searched, where usearch is installed. On one core, with 256 numbers per image, a
# query among 100,000 takes 7.4 ms exactly and 2.3 ms by the graph, which misses hardly a neighbor and takes 89 s to
# build (benchmarks/search.py). Below, too little is gained to miss one at all.
APPROXIMATE_FROM = 100_000
# Candidates that the graph gives for each neighbor wanted; these are compared exactly.
CANDIDATES = 4
# The least number of candidates to go through in the graph: more of them miss less and cost more.
EXPANSION = 128


class ExactNeighbors:
    """All vectors in one array. A search costs a multiplication with each: nothing is missed.

    Args:
        vectors: (N, D) float32, from `l2_normalize_rows`.

    Attributes:
        vectors: the same.
    """

    kind = "exact"

    def __init__(self, vectors: np.ndarray):
        self.vectors = vectors

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest vectors of each query by cosine distance, nearest first.

        Args:
            queries: (Q, D) float.
            k: int, 1 to N.

        Returns:
            rows of `vectors`, (Q, k) int64, and distances, (Q, k) float32: 1 - cosine, from 0 to 2.
        """
        return nearest(l2_normalize_rows(queries), self.vectors, k)

    def add(self, vectors: np.ndarray) -> None:
        """Appends vectors, (n, D) float32 from `l2_normalize_rows`."""
        self.vectors = np.concatenate([self.vectors, vectors])

    def remove(self, rows: np.ndarray) -> None:
        """Takes out the vectors at `rows`, (n,) int; those after them move up."""
        self.vectors = np.delete(self.vectors, rows, axis=0)


class ApproximateNeighbors(ExactNeighbors):
    """All vectors in one array, and a graph (HNSW, by usearch) that leads from any of them to its neighbors.

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

    def __init__(self, vectors: np.ndarray, keys: np.ndarray | None = None, graph: bytes | None = None):
        from usearch.index import Index

        super().__init__(vectors[:0])
        self.keys = np.zeros(0, np.int64)
        self._graph = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
        if graph is None:
            self.add(vectors)
        else:
            self.vectors, self.keys = vectors, keys
            self._graph.load(graph)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
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

    def add(self, vectors: np.ndarray) -> None:
        """Appends vectors, (n, D) float32 from `l2_normalize_rows`."""
        # A key that was removed may be used again.
        first = self.keys[-1] + 1 if len(self.keys) else 0
        keys = np.arange(first, first + len(vectors))
        # With more threads the graph would depend on who comes first.
        self._graph.add(keys, vectors, threads=1)
        self.keys = np.concatenate([self.keys, keys])
        super().add(vectors)

    def remove(self, rows: np.ndarray) -> None:
        """Takes out the vectors at `rows`, (n,) int; those after them move up."""
        self._graph.remove(self.keys[rows])
        self.keys = np.delete(self.keys, rows)
        super().remove(rows)

    def saved_graph(self) -> bytes:
        """The graph, for the next `ApproximateNeighbors`."""
        return bytes(self._graph.save())


def neighbors_of(vectors: np.ndarray) -> ExactNeighbors:
    """`ExactNeighbors` of few vectors, `ApproximateNeighbors` of many; (N, D) float32, from `l2_normalize_rows`."""
    graph = len(vectors) >= APPROXIMATE_FROM and has_extra("usearch")
    return (ApproximateNeighbors if graph else ExactNeighbors)(vectors)
