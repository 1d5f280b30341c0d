"""Views of some images as an array, to measure encoders by."""

import numpy as np
import tensorflow as tf

from ..augment import AudioViews, TwoViews
from .eval_pipeline import ordered_batches
from .images import ImageSource, shorter_side


def view_sample(source: ImageSource, views: TwoViews | AudioViews, draws: int) -> np.ndarray:
    """Some views of each image, always the same ones.

    They are cut from the central squares, all of the size of most, at most twice as large as a view; or are of the
    middle of recordings, without others to mix with.

    Args:
        source: `ImageSource`, N of them, as many as fit into memory.
        views: `TwoViews` or `AudioViews`.
        draws: V, of each of the two.

    Returns:
        (2 V, N, S, S, C), or (2 V, N, F, W, 1), uint8, view 1 and view 2 in turn.
    """
    if isinstance(views, AudioViews):
        size = (source.images.shape[1], views.frames)
    else:
        size = min(int(shorter_side(source)), 2 * views.image_size)
    squares = np.concatenate([*ordered_batches(source, size).as_numpy_iterator()])
    # Without a graph, which would take seconds to compile.
    drawn = [view for draw in range(draws) for view in views(squares, seed=tf.constant([0, draw]))]
    return np.stack([np.uint8(np.round(255 * np.clip(view, 0, 1))) for view in drawn])
