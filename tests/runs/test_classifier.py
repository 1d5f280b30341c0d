import json

import keras
import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.errors import InputError
from byol_keras.models.fingerprint import fingerprint
from byol_keras.runs.classifier import classifier_facts, parts, read_classifier, write_classifier
from byol_keras.tasks.classification.train import FinetuneConfig, finetune_classifier


@pytest.fixture(scope="module")
def classifier(tiny_encoder):
    rng = np.random.default_rng(0)
    source = from_arrays(rng.integers(0, 256, (8, 8, 8, 3), np.uint8), np.arange(8) % 2)
    return finetune_classifier(tiny_encoder(), source, 2, FinetuneConfig(0.5, 2, 8), precision="float32")


def test_what_is_written_is_read_back(classifier, tmp_path):
    folder = tmp_path / "run" / "classifier"
    write_classifier(folder, classifier, ("cat", "Füchse"), {"seed": 3})
    loaded, names = read_classifier(folder)
    assert names == ("cat", "Füchse")
    assert sorted(path.name for path in folder.iterdir()) == ["classes.json", "classifier.keras"]
    images = np.random.default_rng(1).random((5, 8, 8, 3), np.float32)
    scores = classifier.predict(images, verbose=0)
    np.testing.assert_allclose(loaded.predict(images, verbose=0), scores, rtol=1e-5)
    encoder, (weights, bias) = parts(loaded)
    logits = encoder.predict(images, verbose=0) @ weights + bias
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), scores, rtol=1e-4)


def test_a_folder_that_is_no_classifier(classifier, tmp_path):
    folder = tmp_path / "run" / "classifier"
    with pytest.raises(InputError, match=r"run has no classifier yet: `byol-keras finetune` makes one"):
        read_classifier(folder)
    write_classifier(folder, classifier, ("cat", "fox", "hen"), {})
    with pytest.raises(InputError, match="3 names for a classifier of 2 classes"):
        read_classifier(folder)
    (folder / "classes.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as a classifier"):
        read_classifier(folder)


def test_names_beside_another_model_are_refused(classifier, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    write_classifier(first, classifier, ("cat", "fox"), {"train": "/home/ada/labeled", "seed": 3})
    assert json.loads((first / "classes.json").read_text())["encoder"] == fingerprint(parts(classifier)[0])
    facts = {"train": "labeled", "seed": 3, "training_images": None, "command": None, "pretrained_encoder": None}
    assert classifier_facts(first) == facts
    changed = keras.models.clone_model(classifier)
    write_classifier(second, changed, ("owl", "hen"), {})
    (second / "classes.json").replace(first / "classes.json")
    with pytest.raises(InputError, match=r"classes.json belongs to another model.*names for encoder \w{12}, the model"):
        read_classifier(first)
    # One of before fingerprints brings its encoder along, and is taken as it is.
    (first / "classes.json").write_text(json.dumps({"class_names": ["cat", "fox"]}))
    assert read_classifier(first)[1] == ("cat", "fox")


def test_a_failed_write_leaves_no_model_beside_other_names(classifier, tmp_path, monkeypatch):
    folder = tmp_path / "classifier"
    write_classifier(folder, classifier, ("cat", "fox"), {})

    def full(self, path):
        raise OSError("no space left")

    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(OSError, match="no space"):
        write_classifier(folder, classifier, ("owl", "hen"), {})
    with pytest.raises(InputError, match="no classifier yet"):
        read_classifier(folder)
