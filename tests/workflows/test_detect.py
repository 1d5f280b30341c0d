"""Detectors that are trained, saved and measured, on drawn squares."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.data.arrays import from_arrays
from byol_keras.errors import InputError
from byol_keras.runs.build import build_encoder
from byol_keras.runs.detector import load_detector, save_detector
from byol_keras.runs.recipe import Recipe
from byol_keras.runs.results import read_results
from byol_keras.runs.run import Run
from byol_keras.runs.run_config import load_run
from byol_keras.tasks import DetectionConfig, Detector, coco_metrics, finetune_detector, read_coco
from byol_keras.tasks.detection.model import build_retinanet

from ..failing_command import failure

RECIPE = Recipe("resnet10", 64, 1, 4, "adamw", 1e-3, 1e-4, 0.0, 0.97)


@pytest.fixture(scope="module")
def squares(write_squares, tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    return write_squares(folder / "train", 16), write_squares(folder / "test", 6, seed=1)


def make_run(folder, recipe=RECIPE):
    """A run whose encoder is untrained."""
    run = Run(folder, recipe, "photos", 0, 3, [0.35] * 3, [0.2] * 3)
    run.write_config()
    build_encoder(run).save(run.encoder_path)
    return run


@pytest.fixture(scope="module")
def measured(squares, tmp_path_factory):
    """A run after `byol-keras detect`, and what the command was."""
    run = make_run(tmp_path_factory.mktemp("run") / "run")
    arguments = ["detect", str(run.folder), "--train", str(squares[0]), "--test", str(squares[1]), "--image-size", "96"]
    arguments += ["--epochs", "1", "--batch-size", "8", "--seeds", "1", "--precision", "float32"]
    assert main(arguments) == 0
    return run, arguments


@pytest.mark.slow
def test_the_command_writes_results_of_both_methods(measured):
    run, arguments = measured
    results = read_results(run)
    assert [result.metric.split()[-1] for result in results] == [".95", ".50"]
    for result in results:
        assert list(result.scores) == ["pretrained", "from scratch"]
        assert all(len(scores) == 1 and 0 <= scores[0] <= 1 for scores in result.scores.values())
        assert result.command == "byol-keras " + " ".join(arguments)
        assert result.settings["letterbox"] == [64, 96]


def test_images_that_cannot_fit_are_refused_before_training(squares, tmp_path, capsys):
    run = make_run(tmp_path / "run")
    boxes = ["--train", str(squares[0]), "--test", str(squares[1])]
    assert main(["detect", str(run.folder), *boxes, "--image-size", "320000"]) == 2
    assert "of memory, and" in capsys.readouterr().err
    assert not run.results_path.exists()


@pytest.mark.slow
def test_the_command_draws_predictions_beside_the_truth(measured):
    run, _ = measured
    with Image.open(run.folder / "detection" / "predictions.png") as grid:
        assert grid.width == 3 * 326 + 6
        # The first image's true box is drawn in the first column.
        assert (np.asarray(grid)[:, :320] == [255, 59, 48]).all(-1).any()
    assert not [path for path in run.folder.rglob("*") if ".part" in path.name]


@pytest.mark.slow
def test_the_kept_detector_finds_what_the_command_scored(measured, squares):
    run, _ = measured
    test = read_coco(squares[1])
    score = coco_metrics(test, load_detector(run.folder).detect(test.source))
    assert score["mAP50"] == pytest.approx(read_results(run)[1].scores["pretrained"][0], abs=1e-6)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run with an untrained detector in it, and the detector."""
    run = make_run(tmp_path_factory.mktemp("saved") / "run")
    encoder = build_encoder(run)
    detector = Detector(build_retinanet(encoder, 2, 14.0), encoder, (64, 96), ("disc", "square"), 14.0)
    # Away from the first doubt of 0.01, below which nothing is detected.
    head = detector.network.classification_head
    head.set_weights([*head.get_weights()[:-1], np.linspace(-3, 0, 18)])
    save_detector(detector, run)
    return run, detector


def test_detections_lie_inside_their_images_surest_first(saved, squares):
    source = read_coco(squares[1]).source
    for (boxes, classes, scores), (height, width) in zip(saved[1].detect(source), source.sizes, strict=True):
        assert 0 < len(boxes) == len(classes) == len(scores) <= 100
        assert (boxes >= 0).all()
        assert (boxes <= [width, height, width, height]).all()
        assert (np.diff(scores) <= 0).all()
        assert (scores >= 0.01).all()
        assert set(classes) <= {0, 1}


def test_one_file_to_train_on_and_to_test_with_is_said(saved, squares, capfd):
    # Too large to be trained, so that nothing is.
    words = ["detect", str(saved[0].folder), "--train", str(squares[0]), "--image-size", "320000"]
    for test, said in ((squares[1], False), (squares[0].parent / "." / "boxes.json", True)):
        assert main([*words, "--test", str(test)]) == 2
        assert ("the figures say nothing of other images" in capfd.readouterr().err) == said


def test_gray_images_are_refused(saved):
    with pytest.raises(InputError, match="Received: 1 channel"):
        saved[1].detect(from_arrays(np.zeros((2, 64, 64, 1), np.uint8)))


def test_a_saved_detector_is_the_same(saved, squares):
    run, detector = saved
    loaded = load_detector(run.folder)
    assert (loaded.letterbox, loaded.class_names, loaded.smallest_anchor) == ((64, 96), ("disc", "square"), 14.0)
    source = read_coco(squares[1]).source.subset([0, 1])
    for found, expected in zip(loaded.detect(source), detector.detect(source), strict=True):
        for part, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(part, other, rtol=1e-5, atol=1e-4)


def test_detectors_of_other_shares_of_the_labels_stand_side_by_side(saved, tmp_path):
    shutil.copytree(saved[0].folder, tmp_path / "run")
    run, detector = load_run(tmp_path / "run"), saved[1]
    other = dataclasses.replace(detector, letterbox=(96, 96))
    assert save_detector(other, run, "detection-10pct") == run.folder / "detection-10pct"
    assert load_detector(run.folder).letterbox == (64, 96)
    assert load_detector(run.folder, "detection-10pct").letterbox == (96, 96)
    # Whatever stops the writing, new weights are not taken for those of the old description.
    weights = run.folder / "detection-10pct" / "detector.weights.h5"
    weights.unlink()
    (weights / "in the way").mkdir(parents=True)
    with pytest.raises(InputError, match="Is a directory"):
        save_detector(detector, run, "detection-10pct")
    assert [path.name for path in weights.parent.iterdir()] == [weights.name]
    with pytest.raises(InputError, match="detection-10pct has no detector"):
        load_detector(run.folder, "detection-10pct")


def test_a_saved_detector_of_other_files_is_refused(saved, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(saved[0].folder, folder)
    path = folder / "detection" / "detector.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "class_names": ["a", "b", "c"]}))
    with pytest.raises(InputError, match=r"detector\.weights\.h5 does not belong to"):
        load_detector(folder)
    path.write_text("{}")
    with pytest.raises(InputError, match=r"detector\.json cannot be read"):
        load_detector(folder)
    path.unlink()
    with pytest.raises(InputError, match="has no detector"):
        load_detector(folder)


def test_mistakes_get_one_line_before_anything_is_written(squares, tmp_path, capfd):
    train, test = squares
    small = make_run(tmp_path / "small", Recipe("resnet8", 32, 1, 4, "adamw", 1e-3, 1e-4, 0.0, 0.97))
    sources = ["--train", train, "--test", test]
    assert "resnet10, resnet18 or resnet34" in failure(capfd, "detect", small.folder, *sources)
    run = make_run(tmp_path / "run")
    coco = json.loads(test.read_text())
    coco["categories"][0]["name"] = "disc"
    other = test.with_name("discs.json")
    other.write_text(json.dumps(coco))
    line = failure(capfd, "detect", run.folder, "--train", train, "--test", other)
    assert "do not have the same categories. Received: square and disc" in line
    assert "No file with boxes" in failure(capfd, "detect", run.folder, "--train", tmp_path / "x.json", "--test", test)
    assert "at least 64 pixels" in failure(capfd, "detect", run.folder, *sources, "--image-size", "32")
    line = failure(capfd, "detect", run.folder, *sources, "--batch-size", "17")
    assert "--batch-size must be from 1 to 16, the number of training images. Received: --batch-size 17" in line
    assert "--seeds must be" in failure(capfd, "detect", run.folder, *sources, "--seeds", "0")
    assert "--label-fraction must be" in failure(capfd, "detect", run.folder, *sources, "--label-fraction", "2")
    assert "--epochs must be" in failure(capfd, "detect", run.folder, *sources, "--epochs", "0")
    assert "--learning-rate must be" in failure(capfd, "detect", run.folder, *sources, "--learning-rate", "0")
    assert "not trained in float16" in failure(capfd, "detect", run.folder, *sources, "--precision", "float16")
    assert "No precision is called" in failure(capfd, "detect", run.folder, *sources, "--precision", "int8")
    assert "is not a run" in failure(capfd, "detect", tmp_path, *sources)
    assert sorted(path.name for path in run.folder.iterdir()) == ["config.json", "encoder.keras"]


@pytest.mark.slow
def test_training_that_diverges_is_an_error(squares):
    encoder = bk.resnet10(input_shape=(64, 64, 3))
    weights = encoder.get_weights()
    weights[0][0, 0, 0, 0] = np.nan
    encoder.set_weights(weights)
    dataset = read_coco(squares[1])
    with pytest.raises(InputError, match=r"are not finite, .* training has diverged"):
        finetune_detector(encoder, dataset, (64, 64), 14.0, DetectionConfig(epochs=1, batch_size=6))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_squares_are_found_after_training(write_squares, tmp_path, precision):
    train = read_coco(write_squares(tmp_path / "train", 32, seed=2))
    test = read_coco(write_squares(tmp_path / "test", 12, seed=3))
    keras.utils.set_random_seed(0)
    encoder = bk.resnet10(input_shape=(64, 64, 3), mean=[0.35] * 3, std=[0.2] * 3)
    before = encoder.get_weights()
    detector = finetune_detector(encoder, train, (64, 96), 14.0, DetectionConfig(epochs=20, precision=precision))
    assert coco_metrics(test, detector.detect(test.source))["mAP50"] > 0.9
    for weight, expected in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
