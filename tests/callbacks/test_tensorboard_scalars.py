"""The scalars in the event file, read back as TensorBoard reads them, and what is made of them on the way."""

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from byol_keras.callbacks import TensorBoardScalars

NAMES = {"loss", "target_std", "embedding_rank", "projection_rank", "tau", "learning_rate"}


def test_the_logs_of_each_epoch_and_nothing_in_between(tiny_byol, view_pair, tmp_path, monkeypatch):
    made, scalar = [], tf.summary.scalar

    def noting(name, data, step=None):
        made.append((name, data, step))
        return scalar(name, data, step=step)

    model, callback = tiny_byol(), TensorBoardScalars(tmp_path)
    model.compile("sgd")
    monkeypatch.setattr(callback.summary, "scalar", noting)
    history = model.fit(view_pair, batch_size=4, epochs=2, verbose=0, callbacks=[callback])

    events = EventAccumulator(str(tmp_path / "train"), size_guidance={"tensors": 0}).Reload()
    written = {
        tag: [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }
    assert set(written) == {f"epoch_{name}" for name in NAMES}
    assert written["epoch_loss"] == pytest.approx(history.history["loss"])
    assert [event.step for event in events.Tensors("epoch_loss")] == [0, 1]
    # Three batches an epoch, of which nothing is made.
    assert len(made) == 2 * len(NAMES)
    # A Python number would be kept for good.
    assert all(isinstance(step, np.integer) for _, _, step in made)
    assert all(isinstance(data, np.floating) for name, data, _ in made if name != "epoch_learning_rate")
