"""Which images to label next: pure functions of embeddings, labels and the head's probabilities.

First typical images, later those the head is least sure about, as in Doucet et al. 2024 (arXiv 2403.03728): with few
labels the typical ones teach more, with many the doubtful ones (Hacohen et al. 2022, arXiv 2202.02794). On images
held out of the training split of Imagenette, embedded by a small network, turning after 10 labels was no better (see
`benchmarks/labeling.py`).
"""

import warnings
from collections.abc import Sequence

import numpy as np

from ...utils.extras import require_extra

# Labels after which the choice turns from typical to doubtful images.
TYPICAL = 100
# More clusters than this are slow to find and say little more about what is typical.
MAX_CLUSTERS = 500
# Of more images the centers come from a random sample, so that a round is chosen in seconds.
MAX_CLUSTERED = 20_000


def next_images(
    embeddings: np.ndarray, done: Sequence[int], scores: np.ndarray | None, count: int, seed: int = 0
) -> np.ndarray:
    """The images to label next.

    Args:
        embeddings: (N, D) float.
        done: indices of the images labeled or skipped so far.
        scores: (N, K) float, the head's probabilities, or None while there is no head.
        count: int from 1.
        seed: int, of k-means.

    Returns:
        (n,) int indices, none of them done; n is `count`, or what is left.

    Raises:
        InputError: where scikit-learn is not installed.

    Example:
        chosen = bk.tasks.next_images(session.embeddings, list(session.labels), session.scores, count=10)
    """
    if scores is None or len(done) < TYPICAL:
        return typical_images(embeddings, done, count, seed)
    return uncertain_images(done, scores, count)


def typical_images(embeddings: np.ndarray, done: Sequence[int], count: int, seed: int = 0) -> np.ndarray:
    """Typical images of what has no label yet: those nearest to the centers of clusters.

    k-means makes as many clusters as there will be labels, so that at least `count` have none; of the clusters with
    the fewest labels the largest come first (Pourahmadi et al. 2021, arXiv 2110.12033; Hacohen et al. 2022, who take
    the densest place of a cluster in place of its center).

    Args:
        embeddings: (N, D) float.
        done: indices of the images labeled or skipped so far.
        count: int from 1.
        seed: int, of k-means.

    Returns:
        (n,) int indices, as those of `next_images`.
    """
    embeddings = np.asarray(embeddings, np.float32)
    open_ = _open(len(embeddings), done)
    if len(open_) <= count:
        return open_
    clusters = min(len(done) + count, MAX_CLUSTERS, len(embeddings))
    cluster, distance = _clusters(embeddings, clusters, seed)
    labels = np.bincount(cluster[np.asarray(done, int)], minlength=clusters)
    sizes = np.bincount(cluster, minlength=clusters)
    # In each cluster the open images from its center outwards: the first of every cluster, then the second ...
    rank = np.empty(len(open_), int)
    for c in np.unique(cluster[open_]):
        members = np.flatnonzero(cluster[open_] == c)
        rank[members[np.argsort(distance[open_[members]], kind="stable")]] = np.arange(len(members))
    order = np.lexsort((-sizes[cluster[open_]], labels[cluster[open_]] + rank))
    return open_[order[:count]]


def uncertain_images(done: Sequence[int], scores: np.ndarray, count: int) -> np.ndarray:
    """The images the head is least sure about, the least sure first.

    That is those of the smallest margin: the probability of the top-1 class less that of the second (Scheffer et
    al. 2001, Active hidden Markov models for information extraction).

    Args:
        done: indices of the images labeled or skipped so far.
        scores: (N, K) float, the head's probabilities.
        count: int from 1.

    Returns:
        (n,) int indices, as those of `next_images`.
    """
    scores = np.asarray(scores)
    open_ = _open(len(scores), done)
    second, first = np.partition(scores[open_], -2, axis=1)[:, -2:].T
    return open_[np.argsort(first - second, kind="stable")[:count]]


def _open(count, done):
    is_open = np.ones(count, bool)
    is_open[np.asarray(done, int)] = False
    return np.flatnonzero(is_open)


def _clusters(embeddings, count, seed):
    """k-means: the cluster of each image, (N,) int, and its distance from the center, (N,)."""
    require_extra("Choosing typical images", "sklearn")
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    sample = embeddings
    if len(sample) > MAX_CLUSTERED:
        sample = sample[np.random.default_rng(seed).choice(len(sample), MAX_CLUSTERED, replace=False)]
    with warnings.catch_warnings():
        # Said where fewer images differ than there are clusters: the other clusters are empty, which does no harm.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(sample)
    cluster = found.predict(embeddings)
    return cluster, np.linalg.norm(embeddings - found.cluster_centers_[cluster], axis=1)
