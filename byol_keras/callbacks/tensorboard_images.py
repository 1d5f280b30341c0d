"""What the network sees and which images it finds alike, in TensorBoard."""

import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..augment import AudioViews, TwoViews
from ..data.eval_pipeline import ordered_batches
from ..data.grids import image_grid, low_below, view_grid
from ..data.images import ImageSource, evenly, shorter_side
from ..data.lost_files import read_what_is_left
from ..evaluation import embed, l2_normalize_rows, nearest
from ..utils.disk_error import disk_errors
from .byol_model import require_byol

CELL = 96
QUERIES = 8
NEIGHBORS = 8
# Among so many images at most the neighbors are looked for.
CANDIDATES = 1000


class TensorBoardImages(keras.callbacks.Callback):
    """Writes images for TensorBoard: "views" once, at the start, and "neighbors" after each epoch.

    The grid of neighbors has a row per image: the image itself, then those nearest to it by the cosine of their
    embeddings, nearest first, among at most 1,000 images evenly taken. No labels are needed.

    Args:
        folder: of the logs; the events go into its subfolder images.
        source: `ImageSource`, the images trained on or others.
        views: `TwoViews`, or `AudioViews` of recordings.

    Raises:
        InputError: from `fit`, of another model than a BYOL, or where the disk does not take the events.

    Example:
        photos = bk.data.open_source("photos")
        model.fit(images, callbacks=[bk.callbacks.TensorBoardImages("logs", photos, bk.TwoViews(32))])
    """

    def __init__(self, folder: str | os.PathLike, source: ImageSource, views: TwoViews | AudioViews):
        super().__init__()
        self.folder = Path(folder)
        self.views = views
        self.source = source.subset(evenly(len(source), CANDIDATES))
        self._writer, self._drawn = None, False

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        with disk_errors(self.folder):
            self._writer = tf.summary.create_file_writer(str(self.folder / "images"))
        # What is left of an epoch is a `fit` of its own, and drawing views takes seconds: they are compiled for it.
        if not self._drawn:
            grid, self.source = read_what_is_left(self.source, lambda source: view_grid(source, self.views))
            self._write("views", grid, step=0)
            self._drawn = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        grid, self.source = read_what_is_left(self.source, self._neighbors)
        # NumPy's: TensorFlow keeps every Python number.
        self._write("neighbors", grid, step=np.int64(epoch))

    def on_train_end(self, logs: dict | None = None) -> None:
        with disk_errors(self.folder):
            self._writer.close()

    def _write(self, name, image, step):
        if image is None:
            return  # all images are gone, which training will find out for itself
        with disk_errors(self.folder), self._writer.as_default():
            tf.summary.image(name, np.asarray(image)[None], step=step)
            self._writer.flush()

    def _neighbors(self, source):
        vectors = l2_normalize_rows(embed(self.model.encoder, source, precision=None))
        queries = evenly(len(source), QUERIES)
        # The first is the image itself, or a copy of it.
        found, _ = nearest(vectors[queries], vectors, min(1 + NEIGHBORS, len(vectors)))
        size = min(CELL, int(shorter_side(source)))
        pixels = np.concatenate([*ordered_batches(source.subset(found.ravel()), size).as_numpy_iterator()])
        rows = pixels.reshape(*found.shape, *pixels.shape[1:])
        return image_grid([list(row) if source.sample_rate is None else low_below(row) for row in rows], CELL)
