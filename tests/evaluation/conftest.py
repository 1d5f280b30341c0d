"""A finished run and labelled pictures, made without training."""

import numpy as np
import pytest

from byol_keras.pretraining import build_encoder
from byol_keras.recipes import Recipe
from byol_keras.run import Run

RECIPE = Recipe("resnet8", 16, 2, 4, "adamw", 1e-3, 1e-4, 0.5, 0.97, precision="float32")
COLOURS = ((190, 80, 80), (80, 190, 80), (80, 80, 190))


def _write_pictures(path, per_class, seed, class_names=("red", "green", "blue")):
    """An .npz of noisy 16-pixel pictures, each class of a colour."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(class_names)), per_class)
    images = rng.normal(np.array(COLOURS)[labels][:, None, None], 40, (len(labels), 16, 16, 3))
    images = images.clip(0, 255).astype(np.uint8)
    np.savez(path, images=images, labels=labels, class_names=np.array(class_names))
    return path


@pytest.fixture(scope="session")
def write_pictures():
    return _write_pictures


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """24 pictures of each of three classes to train on, 8 of each to test with."""
    folder = tmp_path_factory.mktemp("sources")
    return _write_pictures(folder / "train.npz", 24, 0), _write_pictures(folder / "test.npz", 8, 1)


@pytest.fixture
def make_run(tmp_path):
    """Makes a run that looks finished; its encoder is the untrained one of `encoder_seed`."""

    def make(encoder_seed=5, name="run"):
        run = Run(tmp_path / name, RECIPE, "photos", 5, 3, [0.45] * 3, [0.2] * 3)
        run.folder.mkdir()
        run.write_config()
        other = Run(run.folder, RECIPE, "photos", encoder_seed, 3, run.mean, run.std)
        build_encoder(other).save(run.encoder)
        return run

    return make
