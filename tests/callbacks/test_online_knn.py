import math

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.callbacks import CSVHistory, OnlineKNN
from byol_keras.callbacks.csv_history import read_history
from byol_keras.data import from_arrays, open_source
from byol_keras.errors import InputError
from byol_keras.evaluation import embed


@pytest.fixture
def labeled():
    """30 dark and 30 light noisy images."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    images = np.clip(generator.normal(0.35 + 0.3 * labels[:, None, None, None], 0.2, (60, 8, 8, 3)), 0, 1)
    return from_arrays(images, labels)


def test_logs_the_vote_of_the_others_for_callbacks_after_it(tiny_byol, view_pair, labeled, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    callbacks = [OnlineKNN(labeled, k=3), CSVHistory(tmp_path / "history.csv")]
    model.fit((view_pair[0], view_pair[1]), batch_size=12, epochs=2, verbose=0, callbacks=callbacks)
    vectors = embed(model.encoder, labeled)
    normalized = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = normalized @ normalized.T
    np.fill_diagonal(cosine, -np.inf)
    votes = np.zeros((60, 2))
    for i, row in enumerate(cosine):
        for j in np.argsort(-row)[:3]:
            votes[i, labeled.labels[j]] += np.exp((row[j] - 1) / 0.07)
    expected = np.mean(votes.argmax(1) == labeled.labels)
    assert 0.5 < expected < 1
    rows = read_history(tmp_path / "history.csv")
    assert len(rows) == 2
    assert rows[-1]["knn"] == pytest.approx(expected)


def test_images_it_cannot_evaluate_by_are_refused(labeled):
    with pytest.raises(InputError, match="have none"):
        OnlineKNN(from_arrays(labeled.images))
    with pytest.raises(InputError, match="one class only"):
        OnlineKNN(labeled.subset(labeled.labels == 0))
    with pytest.raises(InputError, match="k=20 and 20 images"):
        OnlineKNN(labeled.subset(slice(20, 40)))


def test_where_one_class_is_left_it_is_not_a_number(tiny_byol, view_pair, tmp_path):
    for i in range(8):
        path = tmp_path / f"class {i % 2}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        # Of sizes of their own, and so not held in memory.
        Image.effect_noise((8 + i, 8), 50).convert("RGB").save(path)
    callback = OnlineKNN(open_source(tmp_path), k=2)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)

    def lose(epoch, logs):
        if epoch == 1:
            for path in (tmp_path / "class 1").iterdir():
                path.unlink()

    losing = keras.callbacks.LambdaCallback(on_epoch_begin=lose)
    knn = model.fit(view_pair, batch_size=12, epochs=2, verbose=0, callbacks=[losing, callback]).history["knn"]
    assert 0 <= knn[0] <= 1
    assert math.isnan(knn[1])


def test_another_model_is_refused(labeled):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(InputError, match=r"OnlineKNN goes with a BYOL model\. Received: Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[OnlineKNN(labeled, k=3)])
    assert not model.optimizer.iterations.numpy()
