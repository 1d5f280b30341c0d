"""The nearest vectors by cosine, compared one with each in blocks that fit in memory."""

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 64 * 1024**2  # of similarities at a time


def l2_normalize_rows(vectors: np.ndarray) -> np.ndarray:
    """Vectors at length 1: (N, D) float -> (N, D) float32; a vector of zeros stays one.

    Example:
        directions = bk.evaluation.l2_normalize_rows(embeddings)
    """
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def block_rows(count: int) -> int:
    """How many queries at a time have similarities with `count` vectors that fit in BLOCK_BYTES; at least 1."""
    return max(1, BLOCK_BYTES // (4 * max(1, count)))


def similarity_blocks(queries: np.ndarray, vectors: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """The cosine of each query with each vector, a block of queries at a time.

    Args:
        queries: (Q, D) float32, from `l2_normalize_rows`.
        vectors: (N, D) float32, from `l2_normalize_rows`.

    Yields:
        slice of the queries, and their similarities, (block, N) float32 from -1 to 1; the array may be changed.
    """
    step = block_rows(len(vectors))
    for start in range(0, len(queries), step):
        block = slice(start, min(start + step, len(queries)))
        yield block, queries[block] @ vectors.T


def top_k(similarity: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k largest numbers of each row, the largest first.

    Args:
        similarity: (Q, N) float.
        k: int, 1 to N.

    Returns:
        (Q, k) int64; of equal numbers the first column first, and where only some of them are among the k, any.
    """
    if k < similarity.shape[1]:
        columns = np.sort(np.argpartition(similarity, -k, axis=1)[:, -k:], axis=1)
    else:
        columns = np.broadcast_to(np.arange(k), similarity.shape)
    order = np.argsort(-np.take_along_axis(similarity, columns, axis=1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)


def nearest(queries: np.ndarray, vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest vectors of each query by cosine distance, nearest first.

    Args:
        queries: (Q, D) float32, from `l2_normalize_rows`.
        vectors: (N, D) float32, from `l2_normalize_rows`.
        k: int, 1 to N.

    Returns:
        indices into `vectors`, (Q, k) int64, and distances, (Q, k) float32: 1 - cosine, from 0 to 2.

    Example:
        known, new = (bk.evaluation.l2_normalize_rows(vectors) for vectors in (known, new))
        indices, distances = bk.evaluation.nearest(new, known, k=5)
    """
    indices, distances = np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32)
    for block, similarity in similarity_blocks(queries, vectors):
        indices[block] = top_k(similarity, k)
        distances[block] = 1 - np.take_along_axis(similarity, indices[block], axis=1)
    # Rounding may bring the cosine of a vector with itself just above 1.
    return indices, np.clip(distances, 0, 2)
