import keras
import numpy as np
import pytest

from byol_keras.callbacks import History, OnlineKNN
from byol_keras.callbacks.csv_history import read_history
from byol_keras.data import from_arrays
from byol_keras.errors import InputError
from byol_keras.evaluation import embed


@pytest.fixture
def labelled():
    """30 dark and 30 light noisy pictures."""
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 30)
    images = np.clip(generator.normal(0.35 + 0.3 * labels[:, None, None, None], 0.2, (60, 8, 8, 3)), 0, 1)
    return from_arrays(images, labels)


def test_logs_the_vote_of_the_others_for_callbacks_after_it(tiny_byol, view_pair, labelled, tmp_path):
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.1))
    callbacks = [OnlineKNN(labelled, k=3), History(tmp_path / "history.csv")]
    model.fit((view_pair[0], view_pair[1]), batch_size=12, epochs=2, verbose=0, callbacks=callbacks)
    vectors = embed(model.encoder, labelled)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    votes = np.zeros((60, 2))
    for i, row in enumerate(cosine):
        for j in np.argsort(-row)[:3]:
            votes[i, labelled.labels[j]] += np.exp((row[j] - 1) / 0.07)
    expected = np.mean(votes.argmax(1) == labelled.labels)
    assert 0.5 < expected < 1
    rows = read_history(tmp_path / "history.csv")
    assert len(rows) == 2
    assert rows[-1]["knn"] == pytest.approx(expected)


def test_pictures_it_cannot_judge_by_are_refused(labelled):
    with pytest.raises(InputError, match="have none"):
        OnlineKNN(from_arrays(labelled.images))
    with pytest.raises(InputError, match="one class only"):
        OnlineKNN(labelled.subset(labelled.labels == 0))
    with pytest.raises(InputError, match="20 neighbours are asked of the others of 20 pictures"):
        OnlineKNN(labelled.subset(slice(20, 40)))
