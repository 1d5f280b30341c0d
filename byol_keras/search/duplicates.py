"""Pictures that are nearly the same."""

import numpy as np

from ..errors import InputError
from ..evaluation.neighbours import similarity_blocks, unit

# The cosine distance below which two pictures are taken for copies of one. Of 1,000 Imagenette pictures at 96 pixels,
# as two encoders trained by byol_keras see them: JPEG at quality 30 stays below it for over 99 %, scaling to 3/4 for
# 98 % and more, cutting 2 % off each side for 95 %; of 9,469 different pictures, 0.1 % have another that near.
THRESHOLD = 0.005

# A group that one cannot look through helps nobody, and all pairs of a large folder do not fit in memory.
PAIRS_PER_PICTURE = 50


def duplicate_groups(vectors, threshold=THRESHOLD):
    """Groups of vectors that are linked, one by one, by a cosine distance below the threshold.

    All pairs are compared, in blocks, so nothing is missed, and the time grows with the square of N.

    Args:
        vectors: (N, D) float embeddings.
        threshold: float, above 0 and at most 2.

    Returns:
        list of (n,) int arrays, each ascending and of at least 2, those with the least distance first.

    Raises:
        InputError: for a threshold out of range, or one below which there are more pairs than PAIRS_PER_PICTURE times
            N.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not 0 < threshold <= 2:
        raise InputError(f"The threshold is a cosine distance, above 0 and at most 2. Received: {threshold}")
    first, second, distances = close_pairs(vectors, threshold)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(len(vectors), len(vectors)))
    _, group = connected_components(links, directed=False)
    # In the order of their distances, each group counts when it comes up first.
    order = np.argsort(distances, kind="stable")
    _, place = np.unique(group[first[order]], return_index=True)
    members = {}
    for row in np.unique(np.concatenate([first, second])):
        members.setdefault(group[row], []).append(row)
    return [np.array(members[group[first[order[i]]]]) for i in np.sort(place)]


def close_pairs(vectors, threshold):
    """All pairs of vectors below a cosine distance.

    Args:
        vectors: (N, D) float embeddings.
        threshold: float.

    Returns:
        first, second, (P,) int64, with first < second, and distances, (P,) float32, of 0 or more.

    Raises:
        InputError: for more pairs than PAIRS_PER_PICTURE times N.
    """
    vectors, pairs, count = unit(vectors), [], 0
    for block, similarity in similarity_blocks(vectors, vectors):
        rows, columns = np.nonzero(similarity > 1 - threshold)
        later = columns > rows + block.start
        rows, columns = rows[later], columns[later]
        count += len(rows)
        if count > PAIRS_PER_PICTURE * len(vectors):
            raise InputError(
                f"More than {PAIRS_PER_PICTURE} pairs for each picture are nearer than {threshold}: nearly everything "
                "is alike to this encoder, or the threshold is too high. Choose a lower one."
            )
        pairs.append((rows + block.start, columns, 1 - similarity[rows, columns]))
    first, second, distances = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return first, second, np.clip(distances, 0, 2)


def typical_distance(vectors, pairs=10_000, seed=0):
    """The median cosine distance of pairs of vectors taken at random, to set a threshold by.

    Args:
        vectors: (N, D) float32, from `unit`, N at least 2.

    Returns:
        float.
    """
    generator = np.random.default_rng(seed)
    first = generator.integers(0, len(vectors), pairs)
    second = (first + generator.integers(1, len(vectors), pairs)) % len(vectors)
    return float(np.median(1 - np.einsum("pd,pd->p", vectors[first], vectors[second])))
