"""The command on real files."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.evaluation.label_subsets import random_subset, training_seeds
from byol_keras.runs.build import build_encoder
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.results import read_results
from byol_keras.runs.run import Run
from byol_keras.runs.run_config import load_run
from byol_keras.tasks.segmentation.dataset import open_segmentation
from byol_keras.tasks.segmentation.metrics import class_iou, confusion
from byol_keras.tasks.segmentation.model import load_segmenter, segmenter_function
from byol_keras.workflows.segment import _save

from ..failing_command import failure


def make_run(folder, backbone="resnet10", channels=3):
    """A run with an encoder of its own seed, as pretraining leaves it."""
    folder.mkdir(parents=True)
    recipe = dataclasses.replace(recipe_named("short"), backbone=backbone, image_size=64, precision="float32")
    run = Run(folder, recipe, "images", 7, channels, [0.4] * channels, [0.3] * channels)
    run.write_config()
    build_encoder(run).save(run.encoder_path)
    return run


@pytest.fixture(scope="module")
def folders(draw_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    return draw_dataset(folder / "train", 6, seed=0), draw_dataset(folder / "test", 3, seed=1)


@pytest.mark.slow
def test_both_are_trained_scored_drawn_and_saved(folders, tmp_path, capsys):
    train, test = folders
    run = make_run(tmp_path / "run")
    sizes = ["--steps", "25", "--crop-size", "64", "--batch-size", "4", "--seeds", "2"]
    arguments = ["segment", str(run.folder), "--train", str(train), "--test", str(test), *sizes]
    assert main([*arguments, "--label-fraction", "0.5"]) == 0
    printed, said = capsys.readouterr()
    assert "retracing" not in said
    assert "25 steps on 3 images" in printed
    assert "gain of the first" in printed

    results = read_results(load_run(run.folder))
    assert [result.metric for result in results] == ["mean IoU", "IoU of sky", "IoU of ground", "IoU of box"]
    assert {result.task for result in results} == {"Semantic segmentation, 50 % of the labels"}
    assert all(len(scores) == 2 for scores in results[0].scores.values())
    assert results[0].command.startswith("byol-keras segment")
    for method in ("pretrained", "from scratch"):
        scores = [result.scores[method] for result in results]
        assert all(0 <= score <= 1 for pair in scores for score in pair)
        np.testing.assert_allclose(scores[0], np.mean(scores[1:], axis=0))
        # One class everywhere, ground, would have at most a third of its share of the pixels, 0.18.
        assert min(scores[0]) > 0.2
    assert json.loads((run.folder / "results" / "segmentation-50pct.json").read_text())

    # What was saved is what was scored with the first seed.
    out = run.folder / "segmentation-50pct"
    dataset = open_segmentation(test, like=open_segmentation(train))
    predict = segmenter_function(load_segmenter(out / "pretrained.keras"))
    counts = sum(confusion(dataset.labels(i), predict(dataset.image(i)), 3) for i in range(3))
    np.testing.assert_allclose(np.mean(class_iou(counts)), results[0].scores["pretrained"][0], atol=0.01)
    assert (out / "classes.txt").read_text().split() == ["sky", "ground", "box"]
    with Image.open(out / "predictions.png") as grid:
        assert grid.width == 4 * 56 + 5 * 6
        assert grid.height > 3 * 40
    assert not [path for path in run.folder.rglob("*") if ".part" in path.name]


@pytest.fixture(scope="module")
def untrained_run(tmp_path_factory):
    """A run for commands that fail before they train."""
    return make_run(tmp_path_factory.mktemp("untrained") / "run")


def fill(label_maps, number):
    for path in label_maps:
        Image.fromarray(np.full((40, 56), number, np.uint8)).save(path)


def test_one_class_only(folders, untrained_run, draw_dataset, tmp_path, capfd):
    train = draw_dataset(tmp_path / "train", 2)
    fill((train / "labels").iterdir(), 1)
    line = failure(capfd, "segment", untrained_run.folder, "--train", train, "--test", folders[1])
    assert f"1 class is in the label maps of 2 of the images of {train}: it takes two." in line
    assert not untrained_run.results_path.exists()


def test_training_maps_without_a_class(folders, untrained_run, draw_dataset, tmp_path, capfd):
    train = draw_dataset(tmp_path / "train", 2)
    fill((train / "labels").iterdir(), 255)
    words = ["segment", untrained_run.folder, "--train", train, "--test", folders[1]]
    assert f"No class is in the label maps of 2 of the images of {train}: it takes two." in failure(capfd, *words)
    (train / "classes.txt").unlink()
    assert f"The label maps in {train} are all void: there is no class" in failure(capfd, *words)


def test_a_share_of_the_labels_with_one_class_is_refused_before_any_training(
    folders, untrained_run, draw_dataset, tmp_path, capfd
):
    train = draw_dataset(tmp_path / "train", 6)
    # The one image that the last of the seeds chooses, and no other does.
    *others, last = (int(random_subset(6, 0.17, seed)[0]) for seed in training_seeds(untrained_run.seed, 3))
    assert last not in others
    fill([train / "labels" / f"{last}.png"], 1)
    words = ["--train", train, "--test", folders[1], "--label-fraction", "0.17", "--seeds", "3"]
    small = ["--steps", "2", "--crop-size", "32", "--batch-size", "2"]
    line = failure(capfd, "segment", untrained_run.folder, *words, *small)
    assert f"1 class is in the label maps of 1 of the images of {train}: it takes two. Label more, or raise" in line
    assert sorted(path.name for path in untrained_run.folder.iterdir()) == ["config.json", "encoder.keras"]


def test_crops_that_cannot_fit_are_refused_before_training(folders, untrained_run, capfd):
    words = ["--train", folders[0], "--test", folders[1], "--crop-size", "3200000"]
    line = failure(capfd, "segment", untrained_run.folder, *words)
    assert "8 crops of 3,200,000 pixels need at least" in line
    assert "Received: --crop-size 3200000, --batch-size 8" in line
    assert not untrained_run.results_path.exists()


def test_one_folder_to_train_on_and_to_test_with_is_said(folders, untrained_run, capfd):
    # Too large to be trained, so that nothing is; of two folders, the test above has one line only.
    words = ["--train", str(folders[0]), "--test", f"{folders[0]}/.", "--crop-size", "3200000"]
    assert main(["segment", str(untrained_run.folder), *words]) == 2
    assert "the figures say nothing of other images" in capfd.readouterr().err


def test_a_new_model_never_stands_beside_the_classes_of_an_old_one(folders, tmp_path):
    inputs = keras.Input((None, None, 3))
    models = dict.fromkeys(("pretrained", "from scratch"), keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs)))
    test = open_segmentation(folders[1])
    (tmp_path / "classes.txt").write_text("a\nb\n")
    (tmp_path / "pretrained.keras" / "in the way").mkdir(parents=True)
    with pytest.raises(InputError, match="Is a directory"):
        _save(tmp_path, models, test)
    assert [path.name for path in tmp_path.iterdir()] == ["pretrained.keras"]


def test_label_maps_without_a_class_cannot_be_tested_with(folders, untrained_run, draw_dataset, tmp_path, capfd):
    test = draw_dataset(tmp_path / "test", 2)
    fill((test / "labels").iterdir(), 255)
    line = failure(capfd, "segment", untrained_run.folder, "--train", folders[0], "--test", test)
    assert f"The label maps in {test} have no pixel of a class" in line


def test_an_encoder_that_cannot_be_a_backbone(folders, tmp_path, capfd):
    train, test = folders
    for backbone, channels in (("resnet8x2", 3), ("resnet10", 1)):
        run = make_run(tmp_path / f"{backbone}-{channels}", backbone, channels)
        line = failure(capfd, "segment", run.folder, "--train", train, "--test", test)
        assert f"{run.encoder_path}: A keras-cv backbone can be made of resnet10, resnet18 or resnet34" in line


def test_wrong_options(folders, tmp_path, capfd):
    train, test = folders
    command = ["segment", tmp_path, "--train", train, "--test", test]
    assert "is not a run" in failure(capfd, *command)
    run = make_run(tmp_path / "run")
    seeds = ["--train", train, "--test", test, "--seeds", 0]
    assert "--seeds must be a whole number from 1" in failure(capfd, "segment", run.folder, *seeds)
    assert "--crop-size must be a multiple of 32" in failure(capfd, *command, "--crop-size", 100)
    assert "--learning-rate must be above 0" in failure(capfd, *command, "--learning-rate", 0)
