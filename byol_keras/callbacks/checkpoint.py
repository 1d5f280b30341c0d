"""Saves the whole model after every epoch."""

import os

import keras

from ..utils.atomic import atomic_path


class Checkpoint(keras.callbacks.Callback):
    """Writes the model with its optimizer to one file after every epoch, whole or not at all.

    Keras' ModelCheckpoint writes in place, where a killed process leaves half a file. Its BackupAndRestore saves only
    weights, for a model made again by the same code; this file is the model, which `keras.models.load_model` gives
    back ready to train on.

    Args:
        path: of a .keras file; replaced each time.

    Example:
        model.fit(images, epochs=40, callbacks=[bk.callbacks.Checkpoint("model.keras")])
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        with atomic_path(self.path) as temporary:
            self.model.save(temporary)
