"""Saves the whole model after every epoch."""

import keras

from ..utils.atomic import atomic_path


class Checkpoint(keras.callbacks.Callback):
    """Writes the model with its optimizer to `path` after every epoch, whole or not at all.

    Keras' own BackupAndRestore deletes its files when training ends, and ModelCheckpoint writes in place, where a
    killed process leaves half a file.

    Args:
        path: a .keras file; replaced each time.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        with atomic_path(self.path) as temporary:
            self.model.save(temporary)
