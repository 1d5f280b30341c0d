"""A small run with all that commands leave in one, and the command lines that work on it."""

import dataclasses

import numpy as np
import pytest
from PIL import Image


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
        train_and_test = ["--train", photos, "--test", photos]
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
