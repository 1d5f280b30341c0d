"""Small runs, trained and made up, and the command lines that work on them."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from byol_keras.cli.main import main

from .small_run import pretrain_arguments, write_folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder of 2 classes with 12 images each; beside it a file of pairs of them, and another folder, "trained"."""
    folder = tmp_path_factory.mktemp("photos") / "photos"
    generator = np.random.default_rng(0)
    for place in (folder / "cat", folder / "dog", folder.parent / "trained"):
        place.mkdir(parents=True)
        for i in range(12):
            pixels = generator.integers(0, 256, (20, 20, 3), np.uint8)
            Image.fromarray(pixels).save(place / f"{i}.png")
    rows = [f"{fold},{kind}/{2 * fold}.png,{kind}/{2 * fold + 1}.png,1" for fold in (1, 2) for kind in ("cat", "dog")]
    rows += [f"{fold},cat/{2 * fold}.png,dog/{2 * fold}.png,0" for fold in (1, 2)]
    (folder.parent / "pairs.csv").write_text("fold,a,b,same\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def photo_run(make_run, photos):
    """A run that was trained on images beside these."""
    run = make_run()
    run = dataclasses.replace(run, data=str(photos.parent / "trained"))
    run.write_config()
    return run


@pytest.fixture
def commands(photos, tmp_path):
    """A function: run -> the words of each command that loads its encoder, by the command's name."""

    def lines(run):
        test = shutil.copytree(photos, tmp_path / "test", dirs_exist_ok=True)
        train_and_test = ["--train", photos, "--test", test]
        pairs = photos.parent / "pairs.csv"
        words = {
            "evaluate": train_and_test,
            "finetune": [*train_and_test, "--epochs", "1"],
            "embed": ["--data", photos, "--out", tmp_path / "out.npz"],
            "export": ["--out", tmp_path / "out", "--format", "tflite"],
            "search": ["--index", photos, "--query", photos / "cat" / "0.png", "--out", tmp_path / "out.html"],
            "duplicates": ["--data", photos, "--out", tmp_path / "out.html"],
            "retrieval": ["--index", photos],
            "label": ["--data", photos, "--next", "3"],
            "detect": ["--train", "boxes.json", "--test", "boxes.json"],
            "segment": ["--train", photos, "--test", photos],
            "verify": ["--data", photos, "--pairs", pairs],
        }
        return {name: [name, str(run), *map(str, arguments)] for name, arguments in words.items()}

    return lines


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Two folders of 3 classes: 16 images of each to train on, 8 of each to test with."""
    folder = tmp_path_factory.mktemp("images")
    return write_folder(folder / "train", 16, 0), write_folder(folder / "test", 8, 1)


@pytest.fixture(scope="session")
def run(images, tmp_path_factory):
    """The folder of a run of 3 epochs on these images; tests that change it work on a copy."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert main(pretrain_arguments(images[0], out, 3)) == 0
    return out
