"""What pixels alone say of images: which are nearly the same, and which are alike in color."""

import numpy as np

from .neighbors import l2_normalize_rows, nearest

# Levels of 256, root mean square over two squares of 32 px. Copies of 400 of Imagenette's images were at most 11 apart
# after JPEG at quality 30 and 1 after scaling to 3/4, the nearest two different ones 28: benchmarks/near_copies.py.
COPY_LEVELS = 20.0
# Of all images, those that count as alike in color.
ALIKE_SHARE = 0.05


def near_copies(squares: np.ndarray) -> np.ndarray:
    """Which images have another that hardly differs: a copy, a recompressed or scaled one, the next frame of a film.

    Args:
        squares: (N, S, S, C) float in [0, 1], small: the images as their central squares.

    Returns:
        (N,) bool.
    """
    pixels = np.asarray(squares, np.float32).reshape(len(squares), -1)
    norms = np.square(pixels).sum(axis=1)
    squared = norms[:, None] + norms[None] - 2 * pixels @ pixels.T
    np.fill_diagonal(squared, np.inf)
    return 255 * np.sqrt(np.maximum(squared.min(axis=1), 0) / pixels.shape[1]) < COPY_LEVELS


def color_agreement(embeddings: np.ndarray, squares: np.ndarray) -> float:
    """How often the image that an encoder finds nearest is one of like color: a share of images.

    Of like color are the twentieth of the others whose means and standard deviations of the channels are nearest.

    Args:
        embeddings: (N, D) floating, of at least 2 images.
        squares: (N, S, S, C) float in [0, 1], the same images.

    Returns:
        float, from 0 to 1; 0.05 where color plays no part.
    """
    pixels = np.asarray(squares, np.float32)
    colors = np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)
    distances = np.square(colors[:, None] - colors[None]).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    alike = np.argsort(distances, axis=1)[:, : max(1, round(ALIKE_SHARE * (len(pixels) - 1)))]
    vectors = l2_normalize_rows(embeddings)
    found = nearest(vectors, vectors, 2)[0]
    # The first is the image itself, or a copy of it.
    other = np.where(found[:, 0] == np.arange(len(found)), found[:, 1], found[:, 0])
    return float(np.mean((alike == other[:, None]).any(axis=1)))
