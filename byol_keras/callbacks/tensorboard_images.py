"""What the network sees and which pictures it finds alike, in TensorBoard."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..data.grids import sheet, view_sheet
from ..data.images import evenly
from ..data.pipelines import ordered_batches
from ..evaluation import embed, nearest, unit

CELL = 96
QUERIES = 8
NEIGHBOURS = 8
# Among so many pictures at most the neighbours are looked for.
CANDIDATES = 1000


class TensorBoardImages(keras.callbacks.Callback):
    """Writes pictures for TensorBoard: "views" once, at the start, and "neighbours" after each epoch.

    The sheet of neighbours has a row a picture: the picture itself, then those nearest to it by the cosine of their
    embeddings, nearest first, among at most 1,000 pictures evenly taken. No labels are needed.

    Args:
        folder: path of the logs; the events go into its subfolder images.
        pictures: `Pictures`, those trained on or others.
        views: `TwoViews`.
    """

    def __init__(self, folder, pictures, views):
        super().__init__()
        self.folder = Path(folder)
        self.views = views
        self.pictures = pictures.subset(evenly(len(pictures), CANDIDATES))
        self._writer = None

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.folder / "images"))
        self._write("views", view_sheet(self.pictures, self.views), step=0)

    def on_epoch_end(self, epoch, logs=None):
        self._write("neighbours", self._neighbours(), step=epoch)

    def on_train_end(self, logs=None):
        self._writer.close()

    def _write(self, name, picture, step):
        with self._writer.as_default():
            tf.summary.image(name, np.asarray(picture)[None], step=step)
        self._writer.flush()

    def _neighbours(self):
        vectors = unit(embed(self.model.encoder, self.pictures))
        queries = evenly(len(self.pictures), QUERIES)
        # The first is the picture itself, or a copy of it.
        found, _ = nearest(vectors[queries], vectors, min(1 + NEIGHBOURS, len(vectors)))
        size = min(CELL, int(self.pictures.sizes.min()))
        pixels = np.concatenate([*ordered_batches(self.pictures.subset(found.ravel()), size).as_numpy_iterator()])
        return sheet([list(row) for row in pixels.reshape(*found.shape, *pixels.shape[1:])], CELL)
