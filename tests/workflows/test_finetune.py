import json

import numpy as np
import pytest

from byol_keras.cli.main import main
from byol_keras.data.labeled import open_train_and_test
from byol_keras.errors import InputError
from byol_keras.evaluation import embed, linear_accuracy
from byol_keras.evaluation.label_subsets import stratified_subset
from byol_keras.runs.classifier import read_classifier
from byol_keras.runs.results import read_results
from byol_keras.tasks.classification.model import predict_probabilities
from byol_keras.workflows.finetune import finetune_run


def test_the_command_trains_both_ways_and_saves_the_classifier(make_run, sources, capsys):
    run = make_run()
    flags = ["--label-fraction", "0.5", "--label-subsets", "1", "--epochs", "3", "--batch-size", "12", "--seed", "4"]
    assert main(["finetune", str(run.folder), "--train", str(sources[0]), "--test", str(sources[1]), *flags]) == 0
    assert "Next: byol-keras export" in capsys.readouterr().out
    result, _ = read_results(run)
    assert result.task == "Image classification, 50 % of the labels"
    names = "fine-tuned", "from scratch", "linear probe, frozen", "linear probe, frozen untrained", "majority class"
    assert tuple(result.scores) == names
    # The encoder of this run was never trained.
    assert result.scores["linear probe, frozen"] == result.scores["linear probe, frozen untrained"]
    assert result.settings["training_images"] == 36
    assert result.settings["from scratch"]["updates"] == 9
    assert result.command.startswith("byol-keras finetune ")

    train, test = open_train_and_test(*sources)
    drawn, encoder = train.subset(stratified_subset(train.labels, 0.5, 4)), run.encoder
    probe = linear_accuracy(embed(encoder, drawn), drawn.labels, embed(encoder, test), test.labels)
    assert result.scores["linear probe, frozen"] == [probe]
    classifier, names = read_classifier(run.classifier_path)
    assert names == ("red", "green", "blue")
    right = np.mean(predict_probabilities(classifier, test).argmax(axis=1) == test.labels)
    assert result.scores["fine-tuned"] == [right]
    assert json.loads((run.classifier_path / "classes.json").read_text())["training_images"] == 36


@pytest.mark.slow
def test_of_several_label_subsets_the_first_classifier_is_saved(make_run, sources):
    """The subsets have seeds in a row, so the second is the first of a run that begins one later."""
    run = make_run(encoder_seed=9)
    flags = {"epochs": 3, "learning_rate": 0.05}
    alone, _ = finetune_run(run.folder, *sources, label_fraction=0.25, config=flags, seed=2)
    both, _ = finetune_run(run.folder, *sources, label_fraction=0.25, subsets=2, config=flags, seed=1)
    assert {method: scores[1:] for method, scores in both.scores.items()} == alone.scores
    classifier, _ = read_classifier(run.classifier_path)
    _, test = open_train_and_test(*sources)
    assert both.scores["fine-tuned"][0] == np.mean(
        predict_probabilities(classifier, test).argmax(axis=1) == test.labels
    )


def test_what_cannot_be_trained_on(make_run, sources, write_images, tmp_path):
    run = make_run()
    images = np.zeros((8, 16, 16, 3), np.uint8)
    np.savez(tmp_path / "one.npz", images=images, labels=np.zeros(8, int))
    np.savez(tmp_path / "gap.npz", images=images, labels=np.arange(8) % 2, class_names=["red", "green", "blue"])
    np.savez(tmp_path / "bands.npz", images=np.zeros((8, 16, 16, 4), np.uint8), labels=np.arange(8) % 2)
    np.savez(tmp_path / "from_1.npz", images=images, labels=1 + np.arange(8) % 2)
    other = write_images(tmp_path / "other.npz", 4, 0, ("red", "violet", "blue"))
    train, test = sources
    for said, sources_, given in (
        ("one class only", (tmp_path / "one.npz", test), {}),
        ("do not have the same classes", (train, other), {}),
        ("no image with the label 0, and the highest is 2", (tmp_path / "from_1.npz",) * 2, {}),
        ("has no image of the class blue", (tmp_path / "gap.npz", tmp_path / "gap.npz"), {}),
        ("3 channels are needed", (tmp_path / "bands.npz", tmp_path / "bands.npz"), {}),
        ("above 0 and at most 1", (train, test), {"label_fraction": -0.1}),
        ("less than one for each of 3 classes", (train, test), {"label_fraction": 0.01}),
        (
            "batch_size must be from 2 to the number",
            (train, test),
            {"label_fraction": 0.1, "config": {"batch_size": 16}},
        ),
        ("has diverged, .*Received: learning_rate=1e\\+08", (train, test), {"config": {"learning_rate": 1e8}}),
    ):
        with pytest.raises(InputError, match=said):
            finetune_run(run.folder, *sources_, **given)
    run.encoder_path.unlink()
    with pytest.raises(InputError, match=r"no encoder\.keras yet"):
        finetune_run(run.folder, train, test)
    assert not run.classifier_path.exists()
    assert not (run.folder / "results").exists()


def test_the_classifier_exports_with_its_names(make_run, sources, tmp_path, capsys):
    """Each file predicts in a fresh process what Keras does; then a client's call and a device's."""
    import tensorflow as tf

    run, out = make_run(encoder_seed=9), tmp_path / "ship"
    assert main(["export", str(run.folder), "--classifier", "--out", str(out), "--calibration", str(sources[0])]) == 2
    assert "no classifier yet: `byol-keras finetune` makes one" in capsys.readouterr().err
    finetune_run(run.folder, *sources, config={"epochs": 4})
    flags = ["--quantize", "int8", "--calibration", str(sources[0])]
    assert main(["export", str(run.folder), "--classifier", "--out", str(out), *flags]) == 0
    entries = json.loads((out / "parity.json").read_text())
    assert [entry["artifact"] for entry in entries] == ["classifier/1", "classifier-int8.tflite"]
    assert all(entry["passed"] and entry["predictions"] is not None for entry in entries)
    described = json.loads((out / "classifier-int8.tflite.json").read_text())
    assert described["scores"]["labels"] == ["red", "green", "blue"]

    classifier, _ = read_classifier(run.classifier_path)
    _, test = open_train_and_test(*sources)
    scores = predict_probabilities(classifier, test)
    classify = tf.saved_model.load(str(out / "classifier" / "1")).signatures["classify"]
    predictions = classify(image_bytes=tf.stack([tf.io.encode_png(image) for image in test.images]))
    np.testing.assert_allclose(predictions["scores"], -np.sort(-scores, axis=1), atol=1e-5)
    first = np.array(["red", "green", "blue"])[scores.argmax(axis=1)]
    assert [label.decode() for label in predictions["labels"].numpy()[:, 0]] == first.tolist()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["finetune", "--help"])
    assert stop.value.code == 0
    assert "example: byol-keras finetune" in capsys.readouterr().out


@pytest.mark.parametrize("flags", [["--format", "onnx"], ["--format", "openvino"]])
def test_other_runtimes_get_no_classifier(flags, make_run, sources, tmp_path, capsys):
    run = make_run()
    assert main(["export", str(run.folder), "--classifier", "--out", str(tmp_path / "ship"), *flags]) == 2
    assert "A classifier is written into a SavedModel and a .tflite" in capsys.readouterr().err
    assert main(["export", str(run.encoder_path), "--classifier", "--out", str(tmp_path / "ship")]) == 2
    assert "only a run that `byol-keras finetune` has worked on has a classifier" in capsys.readouterr().err
