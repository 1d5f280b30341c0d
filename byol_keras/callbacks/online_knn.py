"""The accuracy of the neighbours, while training goes on."""

import keras

from ..errors import InputError
from ..evaluation import embed, knn_leave_one_out


class OnlineKNN(keras.callbacks.Callback):
    """After each epoch, logs as "knn" the share of labelled pictures whose class wins the vote of their neighbours.

    Each picture is classified by the k others nearest to it (`knn_leave_one_out`), so one labelled source is enough.
    The labels are looked at only: nothing is learned from them. The encoder is used in inference mode, in the precision
    it trains in.

    Put it before callbacks that write the logs. It costs one embedding of the pictures an epoch, so give it some
    thousands at most.

    Args:
        pictures: labelled `Pictures`, more than k: see `data.open_source` and `data.from_arrays`.
        k: int, neighbours.

    Raises:
        InputError: for pictures without labels, of one class only, or too few.
    """

    def __init__(self, pictures, k=20):
        super().__init__()
        if pictures.labels is None:
            raise InputError("OnlineKNN compares labels, and these pictures have none.")
        if pictures.labels.min() == pictures.labels.max():
            raise InputError("OnlineKNN compares labels, and these pictures are of one class only.")
        if len(pictures) <= k:
            raise InputError(f"{k} neighbours are asked of the others of {len(pictures)} pictures: give more pictures.")
        self.pictures = pictures
        self.k = k

    def on_epoch_end(self, epoch, logs=None):
        vectors = embed(self.model.encoder, self.pictures)
        # Not in place of `logs`: the callbacks that come after read the same dict.
        logs["knn"] = float(knn_leave_one_out(vectors, self.pictures.labels, self.k).mean())
