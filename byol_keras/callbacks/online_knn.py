"""The accuracy of the neighbors, while training goes on."""

import math

import keras

from ..data.images import ImageSource
from ..data.lost_files import read_what_is_left
from ..errors import InputError
from ..evaluation import embed, knn_leave_one_out
from ..utils.extras import require_extra
from .byol_model import require_byol


class OnlineKNN(keras.callbacks.Callback):
    """After each epoch, logs as "knn" the share of labeled images whose class wins the vote of their neighbors.

    Each image is classified by the k others nearest to it (`knn_leave_one_out`), so one labeled source is enough.
    The labels are looked at only: nothing is learned from them. The encoder is used in inference mode, in the precision
    it trains in.

    Put it before callbacks that write the logs. It embeds the images once per epoch, so give it some
    thousands at most.

    Args:
        source: labeled `ImageSource`, more than k: see `data.open_source` and `data.from_arrays`.
        k: number of neighbors.

    Raises:
        InputError: for images without labels, of one class only, or too few; without scikit-learn; from `fit`, of
            another model than a BYOL.

    Example:
        photos = bk.data.open_source("photos")
        model.fit(images, epochs=40, callbacks=[bk.OnlineKNN(photos)])
    """

    def __init__(self, source: ImageSource, k: int = 20):
        super().__init__()
        require_extra("OnlineKNN", "sklearn")
        if source.labels is None:
            raise InputError("OnlineKNN compares labels, and these images have none.")
        if source.labels.min() == source.labels.max():
            raise InputError("OnlineKNN compares labels, and these images are of one class only.")
        if len(source) <= k:
            raise InputError(f"OnlineKNN needs more images than neighbors. Received: k={k} and {len(source)} images")
        self.source = source
        self.k = k

    def on_train_begin(self, logs: dict | None = None) -> None:
        require_byol(self)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        vectors, self.source = read_what_is_left(self.source, self._embed)
        # Images that are gone are no reason to end training, which may go by others.
        enough = vectors is not None and len(vectors) > self.k and len(set(self.source.labels.tolist())) > 1
        accuracy = knn_leave_one_out(vectors, self.source.labels, self.k).mean() if enough else math.nan
        # Not in place of `logs`: the callbacks that come after read the same dict.
        logs["knn"] = float(accuracy)

    def _embed(self, source):
        return embed(self.model.encoder, source, precision=None)
