"""What is searched: the images' names with their embeddings."""

import numpy as np

from ...errors import InputError
from ...evaluation.neighbors import l2_normalize_rows
from ...utils.extras import has_extra
from .approximate import ApproximateNeighbors
from .exact import ExactNeighbors

# From so many images on a graph is searched, where usearch is installed. On one core, with 256 numbers an image, a
# query among 100,000 takes 7.4 ms exactly and 2.3 ms by the graph, which misses hardly a neighbor and takes 89 s to
# build (benchmarks/search.py). Below, too little is gained to miss one at all.
APPROXIMATE_FROM = 100_000


class ImageIndex:
    """N images by name, with embeddings that can be searched. Images can be added and removed.

    Args:
        encoder: str, the `fingerprint` of the encoder that made the embeddings.
        names: N texts, each once.
        stamps: N texts that change when their image does.
        vectors: (N, D) float embeddings; their length does not matter.
        neighbors: `ExactNeighbors` or `ApproximateNeighbors` of these vectors; by default the first below
            APPROXIMATE_FROM images and the second from there on.

    Attributes:
        encoder: the same.
        names, stamps: lists.
        neighbors: the same.

    Raises:
        InputError: when the numbers of names, stamps and vectors differ, or a name comes twice.
    """

    def __init__(self, encoder, names, stamps, vectors, neighbors=None):
        _check(names, stamps, vectors)
        self.encoder, self.names, self.stamps = encoder, list(names), list(stamps)
        self.neighbors = neighbors or neighbors_of(l2_normalize_rows(vectors))

    def __len__(self):
        return len(self.names)

    @property
    def vectors(self):
        """(N, D) float32, each at length 1."""
        return self.neighbors.vectors

    def nearest(self, queries, k):
        """The k nearest images of each query by cosine distance, nearest first.

        Args:
            queries: (Q, D) float embeddings by the same encoder.
            k: int, 1 to N.

        Returns:
            positions in `names`, (Q, k) int64, and distances, (Q, k) float32: 1 - cosine, from 0 to 2.

        Raises:
            InputError: for another D, or k beyond N.
        """
        if not 1 <= k <= len(self):
            raise InputError(f"{k} neighbors are asked of an index of {len(self):,} images: ask 1 to {len(self)}.")
        self._check_width(queries)
        return self.neighbors.nearest(queries, k)

    def add(self, names, stamps, vectors):
        """Appends images, as the class takes them."""
        _check(names, stamps, vectors, self.names)
        self._check_width(vectors)
        self.names += names
        self.stamps += stamps
        self.neighbors.add(l2_normalize_rows(vectors))
        if self.neighbors.kind == ExactNeighbors.kind:
            self.neighbors = neighbors_of(self.vectors)

    def remove(self, positions):
        """Takes out the images at `positions`, (n,) int; those after them move up."""
        gone = set(np.asarray(positions).tolist())
        self.names = [name for i, name in enumerate(self.names) if i not in gone]
        self.stamps = [stamp for i, stamp in enumerate(self.stamps) if i not in gone]
        self.neighbors.remove(np.array(sorted(gone), np.int64))

    def _check_width(self, vectors):
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.vectors.shape[1]:
            raise InputError(
                f"Embeddings must be (n, {self.vectors.shape[1]}), as those of the index. "
                f"Received: shape={np.shape(vectors)}"
            )


def neighbors_of(vectors):
    """`ExactNeighbors` of few vectors, `ApproximateNeighbors` of many; (N, D) float32, from `l2_normalize_rows`."""
    graph = len(vectors) >= APPROXIMATE_FROM and has_extra("usearch")
    return (ApproximateNeighbors if graph else ExactNeighbors)(vectors)


def _check(names, stamps, vectors, others=()):
    if not len(names) == len(stamps) == len(vectors) or np.ndim(vectors) != 2:
        raise InputError(
            "An index has a name, a stamp and an embedding for each image. Received: "
            f"{len(names)} names, {len(stamps)} stamps, embeddings {np.shape(vectors)}"
        )
    if len({*names, *others}) < len(names) + len(others):
        seen = set(others)
        twice = next(name for name in names if name in seen or seen.add(name))
        raise InputError(f"The name of each image in an index must be there once. Received twice: {twice!r}")
