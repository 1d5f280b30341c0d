"""How well the nearest images are of the query's class."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...errors import InputError
from ...evaluation.neighbors import l2_normalize_rows, similarity_blocks, top_k

RECALL_AT = (1, 5, 10)


@dataclasses.dataclass(frozen=True)
class RetrievalScores:
    """What `retrieval_scores` measures.

    Attributes:
        recall: dict of k -> float from 0 to 1, the share of queries with their class among the k nearest images.
        mean_average_precision: float from 0 to 1, over the queries.
        queries: int, how many were counted: those whose class the index has.
    """

    recall: dict[int, float]
    mean_average_precision: float
    queries: int


def retrieval_scores(
    index: np.ndarray,
    index_labels: np.ndarray,
    queries: np.ndarray,
    query_labels: np.ndarray,
    recall_at: Sequence[int] = RECALL_AT,
) -> RetrievalScores:
    """Searches an index for each query and scores the ranking by the labels.

    Images are ranked by cosine similarity. Recall at k is that of metric learning (Song et al. 2016, arXiv
    1511.06452): whether any of the k nearest has the query's class. Queries whose class the index does not have are
    not counted. The memory needed beside the embeddings, a few times `neighbors.BLOCK_BYTES`, does not grow with them.

    Args:
        index: (N, D) float embeddings.
        index_labels: (N,) int.
        queries: (M, D) float embeddings.
        query_labels: (M,) int.
        recall_at: ints, each at most N.

    Returns:
        `RetrievalScores`.

    Raises:
        InputError: when k is larger than the index, or no query has its class in it.

    Example:
        scores = bk.tasks.retrieval_scores(index.vectors, labels, queries, query_labels)
        scores.recall[1], scores.mean_average_precision
    """
    return _scores(
        l2_normalize_rows(index),
        np.asarray(index_labels),
        l2_normalize_rows(queries),
        np.asarray(query_labels),
        recall_at,
        False,
    )


def retrieval_leave_one_out(
    vectors: np.ndarray, labels: np.ndarray, recall_at: Sequence[int] = RECALL_AT
) -> RetrievalScores:
    """The same with each image as the query in turn, searching all the others.

    Args:
        vectors: (N, D) float embeddings.
        labels: (N,) int.
        recall_at: ints, each below N.

    Returns:
        `RetrievalScores`; an image that is the only one of its class is not counted.

    Raises:
        InputError: when k is not below the number of images, or no class has two.

    Example:
        scores = bk.tasks.retrieval_leave_one_out(vectors, source.labels)
    """
    vectors, labels = l2_normalize_rows(vectors), np.asarray(labels)
    return _scores(vectors, labels, vectors, labels, recall_at, True)


def ranking_precision(similarity: np.ndarray, relevant: np.ndarray) -> float:
    """Average precision of one ranking.

    That is the mean, over the relevant images, of the share of relevant ones among those ranked as high or higher.
    Equal similarities share a rank, so that the order of the images does not matter. scikit-learn's
    `average_precision_score` gives the same to the last digit but one, and takes about ten times as long, which is
    minutes where each image of a large data set is a query.

    Args:
        similarity: (N,) float.
        relevant: (N,) bool, at least one true.

    Returns:
        float, from 0 to 1.
    """
    ranked, found = np.sort(similarity), np.sort(similarity[relevant])
    as_high = len(ranked) - np.searchsorted(ranked, found)
    relevant_as_high = len(found) - np.searchsorted(found, found)
    return float(np.mean(relevant_as_high / as_high))


def _scores(index, index_labels, queries, query_labels, recall_at, leave_one_out):
    others = len(index) - leave_one_out
    if max(recall_at) > others:
        raise InputError(f"Recall at {max(recall_at)} needs as many images to find. Received: {others:,} images")
    hits, precisions = [], []
    for block, similarity in similarity_blocks(queries, index):
        rows = np.arange(block.start, block.stop)
        same = query_labels[block, None] == index_labels
        if leave_one_out:
            same[rows - block.start, rows] = False
            # Below every cosine, so that an image is the last of its own list.
            similarity[rows - block.start, rows] = -2
        counted = np.flatnonzero(same.any(axis=1))
        first = top_k(similarity, max(recall_at))
        hits.append(np.take_along_axis(same, first, axis=1)[counted])
        # The last of a list changes no precision above it.
        precisions += [ranking_precision(similarity[row], same[row]) for row in counted]
    if not precisions:
        raise InputError("No query has another image of its class in the index: nothing can be found.")
    hits = np.concatenate(hits)
    recall = {k: float(hits[:, :k].any(axis=1).mean()) for k in recall_at}
    return RetrievalScores(recall, float(np.mean(precisions)), len(precisions))
