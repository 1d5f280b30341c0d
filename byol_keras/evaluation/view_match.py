"""Whether two views of an image find each other."""

import numpy as np

from .neighbors import l2_normalize_rows


def view_match(first: np.ndarray, second: np.ndarray) -> float:
    """The share of images whose second view is nearer to their first than that of any other image, by cosine.

    An untrained encoder that finds nearly all of them has views too much alike to learn from; a trained one that finds
    hardly any has views that share too little, or images that differ too little.

    Args:
        first, second: (N, D) floating, embeddings of a view each of the same images, at least 2.

    Returns:
        float, from 0 to 1; 1 / N by chance.

    Example:
        share = bk.evaluation.view_match(model.predict(view_1), model.predict(view_2))
    """
    similarity = l2_normalize_rows(first) @ l2_normalize_rows(second).T
    own = np.diag(similarity).copy()
    np.fill_diagonal(similarity, -np.inf)
    return float(np.mean(own > similarity.max(axis=1)))
