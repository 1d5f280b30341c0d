import keras
import numpy as np
import pytest

from byol_keras.callbacks import CSVHistory, OnlineKNN
from byol_keras.callbacks.csv_history import read_history
from byol_keras.data import from_arrays
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
