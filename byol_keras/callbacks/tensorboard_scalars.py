"""What `fit` logs, in TensorBoard."""

import os

import keras
import numpy as np

from ..utils.disk_error import disk_errors


class TensorBoardScalars(keras.callbacks.TensorBoard):
    """Keras' TensorBoard for the logs of each epoch, whose memory does not grow while it waits for one.

    TensorFlow keeps every Python number that it has made a tensor of, and Keras makes one of each of the logs after
    every batch, to write none of them: 4 kB a step. Numbers of NumPy are not kept.

    Args:
        folder: of the logs.

    Raises:
        InputError: from `fit`, where the disk does not take the events.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.TensorBoardScalars("logs")])
    """

    def __init__(self, folder: str | os.PathLike):
        super().__init__(folder, write_graph=False)

    def on_train_begin(self, logs: dict | None = None) -> None:
        with disk_errors(self.log_dir):
            super().on_train_begin(logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        super().on_train_batch_end(batch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        with disk_errors(self.log_dir):
            super().on_epoch_end(np.int64(epoch), {name: np.float32(value) for name, value in (logs or {}).items()})

    def on_train_end(self, logs: dict | None = None) -> None:
        with disk_errors(self.log_dir):
            super().on_train_end(logs)
