"""What is searched: the images' names with their embeddings, in memory and in a file.

The file is an .npz whatever its name: `vectors` (N, D) float32 of length 1, `lengths` (N,) float32, `about`, JSON as
bytes, and of a large index the graph. A .npz holds a checksum of each of its parts, which numpy compares as it reads
them: damage is found before anything is made of it.
"""

import json
import os
import zipfile
from collections.abc import Sequence
from typing import Self

import numpy as np

from ...errors import InputError
from ...evaluation.neighbors import l2_normalize_rows
from ...utils.atomic import atomic_path
from ...utils.extras import has_extra
from .neighbors import ApproximateNeighbors, ExactNeighbors, neighbors_of

FORMAT = "byol_keras image index 2"


class ImageIndex:
    """N images by name, with embeddings that can be searched. Images can be added and removed.

    Args:
        encoder: str, the `fingerprint` of the encoder that made the embeddings.
        names: N texts, each once.
        stamps: N texts that change when their image does.
        embeddings: (N, D) float; the search compares their directions.

    Attributes:
        encoder: the same.
        names, stamps: lists.
        lengths: (N,) float32, of the embeddings.
        unsaved: whether there is something that the file it was read from or saved in does not have.
        neighbors: `ExactNeighbors` of them, and `ApproximateNeighbors` once there have been APPROXIMATE_FROM images.

    Raises:
        InputError: when the numbers of names, stamps and embeddings differ, or a name comes twice.

    Example:
        index = bk.tasks.ImageIndex.load("photos.index")
        positions, distances = index.nearest(bk.evaluation.embed(encoder, queries), 5)
    """

    def __init__(self, encoder: str, names: Sequence[str], stamps: Sequence[str], embeddings: np.ndarray):
        _check(names, stamps, embeddings)
        self.encoder, self.names, self.stamps = encoder, list(names), list(stamps)
        self.lengths = _lengths(embeddings)
        self.neighbors = neighbors_of(l2_normalize_rows(embeddings))
        self.unsaved = True

    def __len__(self):
        return len(self.names)

    @property
    def vectors(self) -> np.ndarray:
        """(N, D) float32, the embeddings at length 1."""
        return self.neighbors.vectors

    @property
    def embeddings(self) -> np.ndarray:
        """(N, D) float32, as the encoder gave them but for rounding."""
        return self.vectors * self.lengths[:, None]

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
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
            raise InputError(f"k must be from 1 to {len(self)}, the number of images in the index. Received: k={k}")
        self._check_width(queries)
        return self.neighbors.nearest(queries, k)

    def add(self, names: Sequence[str], stamps: Sequence[str], embeddings: np.ndarray) -> None:
        """Appends images, as the class takes them."""
        _check(names, stamps, embeddings, self.names)
        self._check_width(embeddings)
        self.names += names
        self.stamps += stamps
        self.lengths = np.concatenate([self.lengths, _lengths(embeddings)])
        self.neighbors.add(l2_normalize_rows(embeddings))
        if self.neighbors.kind == ExactNeighbors.kind:
            self.neighbors = neighbors_of(self.vectors)
        self.unsaved = True

    def remove(self, positions: Sequence[int]) -> None:
        """Takes out the images at `positions`, (n,) int; those after them move up."""
        gone = set(np.asarray(positions).tolist())
        self.names = [name for i, name in enumerate(self.names) if i not in gone]
        self.stamps = [stamp for i, stamp in enumerate(self.stamps) if i not in gone]
        rows = np.array(sorted(gone), np.int64)
        self.lengths = np.delete(self.lengths, rows)
        self.neighbors.remove(rows)
        self.unsaved |= bool(gone)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the index to a file, over an older one; the parent folder is made if need be."""
        about = {"format": FORMAT, "encoder": self.encoder, "names": self.names, "stamps": self.stamps}
        parts = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        parts |= {"vectors": self.vectors, "lengths": self.lengths}
        if isinstance(self.neighbors, ApproximateNeighbors):
            parts["keys"] = self.neighbors.keys
            parts["graph"] = np.frombuffer(self.neighbors.saved_graph(), np.uint8)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **parts)
        self.unsaved = False

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """The index in a file that `save` wrote.

        Raises:
            InputError: where there is no such file, it is something else, or it is damaged.
        """
        try:
            # Given a path, numpy would leave the file open when it finds it damaged.
            with open(path, "rb") as file:
                if not zipfile.is_zipfile(file):
                    raise ValueError("it is cut off, or something else")
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    parts = dict(arrays)
            about = json.loads(parts["about"].tobytes())
            if about["format"] != FORMAT:
                raise ValueError(f"its format is {about['format']!r}")
            vectors, lengths = parts["vectors"], parts["lengths"]
            _check(about["names"], about["stamps"], vectors)
            index = cls(about["encoder"], [], [], vectors[:0])
            index.names, index.stamps, index.lengths = about["names"], about["stamps"], lengths
            index.neighbors = _saved_neighbors(parts)
            # A graph that had to be made, where usearch was installed since, takes a minute and is to be kept.
            index.unsaved = index.neighbors.kind == ApproximateNeighbors.kind and "graph" not in parts
            return index
        except FileNotFoundError:
            raise InputError(f"No such index: {path}") from None
        except Exception as error:  # On a damaged archive zipfile and numpy raise nearly anything.
            raise InputError(
                f"{path} cannot be read as an index of images: {error}. Give another name, or delete it to embed all "
                "images again."
            ) from error

    def _check_width(self, vectors):
        if np.ndim(vectors) != 2 or np.shape(vectors)[1] != self.vectors.shape[1]:
            raise InputError(
                f"Embeddings must be (n, {self.vectors.shape[1]}), as those of the index. "
                f"Received: shape={np.shape(vectors)}"
            )


def _lengths(embeddings):
    return np.linalg.norm(np.asarray(embeddings, np.float32), axis=1)


def _saved_neighbors(parts):
    vectors = parts["vectors"]
    if "graph" not in parts:
        return neighbors_of(vectors)
    if not has_extra("usearch"):
        return ExactNeighbors(vectors)
    return ApproximateNeighbors(vectors, parts["keys"], parts["graph"].tobytes())


def _check(names, stamps, embeddings, others=()):
    if not len(names) == len(stamps) == len(embeddings) or np.ndim(embeddings) != 2:
        raise InputError(
            "An index has a name, a stamp and an embedding for each image. Received: "
            f"{len(names)} names, {len(stamps)} stamps, embeddings {np.shape(embeddings)}"
        )
    if len({*names, *others}) < len(names) + len(others):
        seen = set(others)
        twice = next(name for name in names if name in seen or seen.add(name))
        raise InputError(f"The name of each image in an index must be there once. Received twice: {twice!r}")
