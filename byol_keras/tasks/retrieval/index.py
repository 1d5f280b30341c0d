"""What is searched: the pictures' names with their embeddings."""

import importlib.util

import numpy as np

from ...errors import InputError
from ...evaluation.neighbors import unit
from .approximate import ApproximateNeighbours
from .exact import ExactNeighbours

# From so many pictures on a graph is searched, where usearch is installed. On one core, with 256 numbers a picture, a
# query among 100,000 takes 7.4 ms exactly and 2.3 ms by the graph, which misses hardly a neighbour and takes 89 s to
# build (benchmarks/search.py). Below, too little is gained to miss one at all.
APPROXIMATE_FROM = 100_000


class PictureIndex:
    """N pictures by name, with embeddings that can be searched. Pictures can be added and removed.

    Args:
        encoder: str, the `fingerprint` of the encoder that made the embeddings.
        names: N texts, each once.
        stamps: N texts that change when their picture does.
        vectors: (N, D) float embeddings; their length does not matter.
        neighbours: `ExactNeighbours` or `ApproximateNeighbours` of these vectors; by default the first below
            APPROXIMATE_FROM pictures and the second from there on.

    Attributes:
        encoder: the same.
        names, stamps: lists.
        neighbours: the same.

    Raises:
        InputError: when the numbers of names, stamps and vectors differ, or a name comes twice.
    """

    def __init__(self, encoder, names, stamps, vectors, neighbours=None):
        _check(names, stamps, vectors)
        self.encoder, self.names, self.stamps = encoder, list(names), list(stamps)
        self.neighbours = neighbours or neighbours_of(unit(vectors))

    def __len__(self):
        return len(self.names)

    @property
    def vectors(self):
        """(N, D) float32, each at length 1."""
        return self.neighbours.vectors

    def nearest(self, queries, k):
        """The k nearest pictures of each query by cosine distance, nearest first.

        Args:
            queries: (Q, D) float embeddings by the same encoder.
            k: int, 1 to N.

        Returns:
            positions in `names`, (Q, k) int64, and distances, (Q, k) float32: 1 - cosine, from 0 to 2.

        Raises:
            InputError: for another D, or k beyond N.
        """
        if not 1 <= k <= len(self):
            raise InputError(f"{k} neighbours are asked of an index of {len(self):,} pictures: ask 1 to {len(self)}.")
        self._check_width(queries)
        return self.neighbours.nearest(queries, k)

    def add(self, names, stamps, vectors):
        """Appends pictures, as the class takes them."""
        _check(names, stamps, vectors, self.names)
        self._check_width(vectors)
        self.names += names
        self.stamps += stamps
        self.neighbours.add(unit(vectors))
        if self.neighbours.kind == ExactNeighbours.kind:
            self.neighbours = neighbours_of(self.vectors)

    def remove(self, positions):
        """Takes out the pictures at `positions`, (n,) int; those after them move up."""
        gone = set(np.asarray(positions).tolist())
        self.names = [name for i, name in enumerate(self.names) if i not in gone]
        self.stamps = [stamp for i, stamp in enumerate(self.stamps) if i not in gone]
        self.neighbours.remove(np.array(sorted(gone), np.int64))

    def _check_width(self, vectors):
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.vectors.shape[1]:
            raise InputError(
                f"Embeddings must be (n, {self.vectors.shape[1]}), as those of the index. "
                f"Received: shape={np.shape(vectors)}"
            )


def neighbours_of(vectors):
    """`ExactNeighbours` of few vectors, `ApproximateNeighbours` of many; (N, D) float32, from `unit`."""
    graph = len(vectors) >= APPROXIMATE_FROM and importlib.util.find_spec("usearch") is not None
    return (ApproximateNeighbours if graph else ExactNeighbours)(vectors)


def _check(names, stamps, vectors, others=()):
    if not len(names) == len(stamps) == len(vectors) or np.ndim(vectors) != 2:
        raise InputError(
            "An index has a name, a stamp and an embedding for each picture. Received: "
            f"{len(names)} names, {len(stamps)} stamps, embeddings {np.shape(vectors)}"
        )
    if len({*names, *others}) < len(names) + len(others):
        seen = set(others)
        twice = next(name for name in names if name in seen or seen.add(name))
        raise InputError(f"The name of each picture in an index must be there once. Received twice: {twice!r}")
