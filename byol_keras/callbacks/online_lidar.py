"""LiDAR, while training goes on."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np

from ..augment import AudioViews, TwoViews
from ..data.images import ImageSource, evenly
from ..data.lost_files import read_what_is_left
from ..data.view_sample import view_sample
from ..evaluation import lidar
from ..evaluation.embed import inference
from ..models.checks import require_taken
from .byol_model import require_byol

IMAGES = 100
# Of each image: as many draws of each of the two.
DRAWS = 5


class OnlineLidar(keras.callbacks.Callback):
    """After each epoch, logs as "lidar" in how many dimensions images differ more than their views do.

    See `evaluation.lidar`: no labels are needed, and it compares epochs and runs with the same views only. It takes ten
    views of each of 100 images at most, evenly taken, which are drawn once: see `data.view_sample`. The encoder is used
    in inference mode, in the precision it trains in.

    Higher is not better from epoch to epoch: on the demo's images it fell from 42 to 24 while the accuracy of the
    neighbors rose from 38 to 74 %.

    Put it before callbacks that write the logs.

    Args:
        source: `ImageSource`, the images trained on or others.
        views: `TwoViews`, or `AudioViews` of recordings.

    Raises:
        InputError: from `fit`, of another model, or for views that are not of the encoder's size.

    Example:
        photos = bk.data.open_source("photos")
        model.fit(images, epochs=40, callbacks=[bk.callbacks.OnlineLidar(photos, bk.TwoViews(32))])
    """

    def __init__(self, source: ImageSource, views: TwoViews | AudioViews):
        super().__init__()
        self.source = source.subset(evenly(len(source), IMAGES))
        self.views = views
        self._drawn: Sequence[np.ndarray] | None = None
        self._forward: Callable | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)
        self._forward = None  # it may be of another model
        if isinstance(self.views, TwoViews):
            size, channels = self.views.image_size, self.source.channels
            require_taken(self.model.encoder, keras.KerasTensor((None, size, size, channels)))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._drawn is None:
            drawn, self.source = read_what_is_left(self.source, lambda left: view_sample(left, self.views, DRAWS))
            self._drawn = () if drawn is None else drawn
        if self._forward is None:
            self._forward = inference(self.model.encoder)
        # Not in place of `logs`: the callbacks that come after read the same dict.
        logs["lidar"] = self._lidar()

    def _lidar(self):
        if len(self._drawn) == 0 or len(self._drawn[0]) < 2:
            return math.nan  # all images but one are gone, which training will find out for itself
        vectors = [np.float32(self._forward(np.float32(view) / 255)) for view in self._drawn]
        return lidar(np.stack(vectors, 1))
