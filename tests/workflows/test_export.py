import json

import numpy as np
import pytest
import tensorflow as tf

from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.runs.results import Result, write_results
from byol_keras.workflows.export import _training, export_run
from byol_keras.workflows.export_config import ExportConfig


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "tf_lite"}, r"format is one of saved_model, tflite, all, onnx, .*Received: format='tf_lite'"),
        ({"format": None}, "Received: format=None"),
        ({"io": "int8"}, r"choose quantize='int8'. Received: io='int8', quantize='none'"),
        ({"format": "onnx", "batch": None}, r"are for a \.tflite.*Received: format='onnx'"),
        ({"format": "saved_model", "quantize": "int8"}, r"are for a \.tflite.*Received: format='saved_model'"),
        ({"format": "openvino", "report": True}, "measures neither OpenVINO nor Core ML"),
        ({"threads": 2}, r"threads is for the report: leave it out\. Received: threads=2"),
        (
            {"format": "coreml", "labeled": "labeled"},
            r"leave labeled out\. Received: format='coreml', labeled='labeled'",
        ),
        ({"format": "coreml", "head": "head.npz"}, "A head is written into a SavedModel"),
        ({"classifier": True, "head": "head.npz"}, r"leave out head.*Received: classifier=True, head='head\.npz'"),
        ({"classifier": True, "format": "onnx"}, r"A classifier is written into a SavedModel.*format='onnx'"),
        ({"head": "head.npz", "format": "openvino"}, r"A head is written into a SavedModel.*format='openvino'"),
        ({"scores_only": True}, r"choose classifier or head.*Received: scores_only=True, format='all', report=False"),
        ({"scores_only": True, "head": "head.npz", "report": True}, "without report"),
        ({"scores_only": True, "head": "head.npz", "format": "saved_model"}, "format='saved_model'"),
    ],
)
def test_arguments_that_do_not_fit_together(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        ExportConfig(**arguments)
    assert "--" not in str(error.value)


def test_what_a_config_writes():
    assert ExportConfig().quantizations == ("none",)
    assert ExportConfig(quantize="all", io="uint8").quantizations == ("none", "float16", "dynamic", "int8")
    assert [ExportConfig(format=name).writes_tflite for name in ("all", "tflite", "saved_model")] == [True, True, False]
    assert ExportConfig(head="head.npz").has_head
    assert not ExportConfig().has_head


def test_a_file_has_neither_images_nor_a_classifier(make_run, tmp_path):
    encoder = make_run().encoder_path
    with pytest.raises(InputError, match=r"its images are not known: name some. Received: calibration=None"):
        export_run(encoder, tmp_path / "ship")
    with pytest.raises(InputError, match="only a run that `byol-keras finetune` has worked on has a classifier"):
        export_run(encoder, tmp_path / "ship", ExportConfig(classifier=True))
    assert not (tmp_path / "ship").exists()


def test_a_core_ml_package_is_written_and_said_not_to_be_compared(make_run, tmp_path, capsys):
    pytest.importorskip("coremltools", reason='needs pip install "byol_keras[coreml]"')
    run, data = make_run(), tmp_path / "images.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8))
    for _ in range(2):  # one that is there is replaced
        assert export_run(run.folder, tmp_path / "ship", ExportConfig(format="coreml", calibration=str(data))) == []
    assert "not compared with Keras: Core ML is part of macOS" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "ship").iterdir()} == {"encoder.mlpackage", "README.md"}
    assert (tmp_path / "ship/encoder.mlpackage/Manifest.json").is_file()


@pytest.mark.slow
def test_what_a_saved_model_decodes_is_limited_by_flags(make_run, tmp_path):
    run, data = make_run(), tmp_path / "images.npz"
    np.savez(data, images=np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8))
    command = ["export", str(run.folder), "--out", str(tmp_path / "ship"), "--format", "saved_model"]
    command += ["--calibration", str(data), "--max-pixels", "2500"]
    assert main(command) == main([*command, "--strict"]) == 0
    files = tf.constant([tf.io.encode_png(np.zeros((side, 50, 3), np.uint8)).numpy() for side in (50, 51)])
    lenient, strict = (
        tf.saved_model.load(tmp_path / "ship/encoder" / version).signatures["serve_bytes"] for version in "12"
    )
    assert lenient(image_bytes=files)["valid"].numpy().tolist() == [True, False]
    assert strict(image_bytes=files[:1])["valid"].numpy().all()
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 2500 pixels"):
        strict(image_bytes=files)


def test_the_facts_of_a_classifier_have_the_results_of_its_own_training(make_run):
    run = make_run()
    write_results(run, "evaluation", [Result("20-NN", "accuracy", "a -> b", {"pretrained": [0.6]})])
    for name, count in (("finetune", 72), ("finetune-10pct", 7)):
        settings, command = {"training_images": count, "seed": 0}, f"byol-keras finetune {count}"
        scores = {"fine-tuned": [count / 100], "from scratch": [0.1]}
        write_results(run, name, [Result(name, "accuracy", "a -> b", scores, settings, command=command)])
    run.classifier_path.mkdir()
    made = {"class_names": ["a", "b"], "train": "/home/ada/labeled", "command": "byol-keras finetune 7"}
    made |= {"training_images": 7, "seed": 0}
    (run.classifier_path / "classes.json").write_text(json.dumps(made))
    facts = _training(run.folder, ExportConfig(classifier=True))
    assert [(result["task"], result["value"]) for result in facts["results"]] == [("finetune-10pct", 0.07)]
    about = {"train": "labeled", "training_images": 7, "seed": 0, "pretrained_encoder": None}
    assert facts["classifier"] == about
    assert len(_training(run.folder, ExportConfig())["results"]) == 3
