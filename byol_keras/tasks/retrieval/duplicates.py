"""Images that are nearly the same."""

import dataclasses

import numpy as np

from ...errors import InputError
from ...evaluation.neighbors import block_rows, l2_normalize_rows

# Two images are taken for copies of one when they are nearer than this share of the mean distance between two
# images of the source. A share, because encoders differ tenfold in how far apart they put images.
# benchmarks/duplicates.py measures what it means: of copies of Imagenette images, an encoder trained on them put
# 99.6 % below it after JPEG at quality 30, 98.6 % after scaling to 3/4, and 87 % after cutting 2 % off each side. Of
# 9,469 different images, 28 had another that near: parachutes in a plain sky.
SHARE = 0.02
# What rounding leaves between equal images stays below this, whatever the others are.
LEAST = 1e-6

# A group that one cannot look through helps nobody, and all pairs of a large folder do not fit in memory.
PAIRS_PER_IMAGE = 50


@dataclasses.dataclass(frozen=True)
class Copy:
    """One image of a group, and what helps to decide whether to keep it.

    Attributes:
        position: int, its place in the `Collection`.
        name: str.
        width, height: int, pixels; 0 where the image can no longer be read.
        distance: float, the cosine distance to the first image of its group.
    """

    position: int
    name: str
    width: int
    height: int
    distance: float


def duplicate_groups(vectors: np.ndarray, threshold: float | None = None) -> list[np.ndarray]:
    """Groups of vectors of which every two are nearer to each other than the threshold, by cosine distance.

    All pairs are compared, in blocks, so nothing is missed, and the time grows with the square of N. Groups are merged
    by complete linkage, nearest first. By single links, chains of small steps would put different images together.

    Args:
        vectors: (N, D) float embeddings.
        threshold: float, above 0 and at most 2; None for `usual_threshold`.

    Returns:
        list of (n,) int arrays, each ascending and of at least 2, those with the least distance first.

    Raises:
        InputError: for a threshold out of range, or one below which there are more pairs than PAIRS_PER_IMAGE times
            N.

    Example:
        for group in bk.tasks.duplicate_groups(index.vectors):
            print([index.names[position] for position in group])
    """
    check_threshold(threshold)
    threshold = usual_threshold(vectors) if threshold is None else threshold
    vectors, members = _merged(vectors)
    first, second, distances = close_pairs(vectors, threshold)
    order = np.argsort(distances, kind="stable")
    groups = _complete_linkage(first[order].tolist(), second[order].tolist())
    linked = {number for group in groups for number in group}
    groups += [[number] for number, equal in enumerate(members) if len(equal) > 1 and number not in linked]
    groups.sort(key=lambda group: all(len(members[number]) == 1 for number in group))
    return [np.sort(np.concatenate([members[number] for number in group])) for group in groups]


def check_threshold(threshold: float | None) -> None:
    """Raises InputError for a threshold of `duplicate_groups` out of range."""
    if threshold is not None and not 0 < threshold <= 2:
        raise InputError(f"threshold is a cosine distance, above 0 and at most 2. Received: threshold={threshold}")


def _merged(vectors):
    """Equal vectors as one each, in the order of the first of them, and the places of each: (M, D), list of M arrays.

    Of a thousand black frames there would be half a million pairs.
    """
    vectors = l2_normalize_rows(vectors)
    _, first, number = np.unique(vectors, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    return vectors[first[order]], [places[i] for i in order]


def _complete_linkage(first, second):
    """Groups of numbers of which all pairs are given, merged in the order of the pairs; those that began first, first.

    Two groups are merged when the last pair between them comes up: the farthest. SciPy's linkage would do the same from
    all distances, which do not fit in memory.
    """
    members, pairs, group_of, began = {}, {}, {}, {}
    for count, (a, b) in enumerate(zip(first, second, strict=True)):
        for number in (a, b):
            if number not in group_of:
                members[number], pairs[number], group_of[number] = [number], {}, number
        small, large = sorted((group_of[a], group_of[b]), key=lambda group: len(members[group]))
        pairs[small][large] = pairs[large][small] = pairs[large].get(small, 0) + 1
        if pairs[large][small] < len(members[large]) * len(members[small]):
            continue
        for other, between in pairs.pop(small).items():
            del pairs[other][small]
            if other != large:
                pairs[other][large] = pairs[large][other] = pairs[large].get(other, 0) + between
        for number in members[small]:
            group_of[number] = large
        members[large] += members.pop(small)
        began[large] = min(began.pop(small, count), began.get(large, count))
    return [members[group] for group in sorted(began, key=began.get)]


def close_pairs(vectors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of vectors below a cosine distance.

    Args:
        vectors: (N, D) float embeddings.
        threshold: float.

    Returns:
        first, second, (P,) int64, with first < second, and distances, (P,) float32, of 0 or more.

    Raises:
        InputError: for more pairs than PAIRS_PER_IMAGE times N.
    """
    vectors, pairs, count = l2_normalize_rows(vectors), [], 0
    step = block_rows(len(vectors))
    for start in range(0, len(vectors), step):
        # Each pair once: a block of vectors with itself and those after it.
        similarity = vectors[start : start + step] @ vectors[start:].T
        rows, columns = np.nonzero(np.triu(similarity > 1 - threshold, 1))
        count += len(rows)
        if count > PAIRS_PER_IMAGE * len(vectors):
            raise InputError(
                f"More than {PAIRS_PER_IMAGE} pairs for each image are nearer than {threshold}: nearly everything "
                "is alike to this encoder, or the threshold is too high. Choose a lower one."
            )
        pairs.append((rows + start, columns + start, 1 - similarity[rows, columns]))
    first, second, distances = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return first, second, np.clip(distances, 0, 2)


def mean_distance(vectors: np.ndarray) -> float:
    """The mean cosine distance of two different vectors.

    Args:
        vectors: (N, D) float embeddings.

    Returns:
        float, from 0 to 2; 0 for fewer than two.
    """
    vectors = l2_normalize_rows(vectors).astype(np.float64)
    count = len(vectors)
    if count < 2:
        return 0.0
    # The similarities of all pairs, those of each with itself taken off: |sum|^2 - sum |v|^2.
    total = np.square(vectors.sum(axis=0)).sum() - np.square(vectors).sum()
    return float(np.clip(1 - total / (count * (count - 1)), 0, 2))


def usual_threshold(vectors: np.ndarray) -> float:
    """The threshold where none is given: SHARE of the mean distance of these vectors, (N, D) float; a float."""
    return max(LEAST, SHARE * mean_distance(vectors))
