"""`byol-keras export` on the files of a run."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image

from byol_keras.cli.main import main
from byol_keras.export import LinearHead

from ..disks import mounted
from ..failing_command import failure
from .small_run import draw

FOR_SERVERS = ("models.config", "batching.config", "compose.yaml", "client")


def test_export_writes_both_formats_and_checks_them(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "ship")]) == 0
    assert "yes" in capsys.readouterr().out
    assert (tmp_path / "ship/encoder/1/saved_model.pb").is_file()
    assert (tmp_path / "ship/encoder.tflite").is_file()
    assert len(json.loads((tmp_path / "ship/parity.json").read_text())) == 2
    compose = tmp_path / "ship/compose.yaml"
    compose.write_text(compose.read_text().replace("8501:8501", "80:8501"))
    assert main(["export", str(run), "--out", str(tmp_path / "ship"), "--format", "saved_model"]) == 0
    assert (tmp_path / "ship/encoder/2/saved_model.pb").is_file()
    assert "80:8501" in compose.read_text()
    assert (tmp_path / "ship/client/rest_client.py").is_file()


def test_export_of_one_file_for_each_quantization(run, images, tmp_path, capsys):
    out = tmp_path / "ship"
    flags = ["--format", "tflite", "--quantize", "all", "--labeled", str(images[0]), "--batch", "any"]
    assert main(["export", str(run), "--out", str(out), "--io", "uint8", *flags]) == 0
    printed = capsys.readouterr().out
    assert "20-NN %" in printed
    assert "by the labels of 48" in printed
    names = ["encoder.tflite", "encoder-float16.tflite", "encoder-dynamic.tflite", "encoder-int8-uint8.tflite"]
    described = {*names, *(f"{name}.json" for name in names)}
    assert {path.name for path in out.iterdir()} == {*described, "README.md", "parity.json"}
    entries = json.loads((out / "parity.json").read_text())
    assert [entry["artifact"] for entry in entries] == names
    for entry in entries:
        assert abs(entry["knn"] - entry["knn_keras"]) < 0.2
        assert json.loads((out / f"{entry['artifact']}.json").read_text())["input"]["shape"][0] is None


def test_export_says_what_is_wrong_and_leaves_nothing(run, images, tmp_path, capfd):
    out = tmp_path / "ship"

    def said(*flags, encoder=run):
        line = failure(capfd, "export", encoder, "--out", out, *flags)
        assert not out.exists()
        return line

    (tmp_path / "three").mkdir()
    for i in range(3):
        Image.fromarray(draw("bars", np.random.default_rng(i))).save(tmp_path / "three" / f"{i}.png")
    (tmp_path / "none").mkdir()
    few = said("--quantize", "int8", "--calibration", tmp_path / "three")
    assert "needs at least 8 calibration images" in few
    assert "3 images in" in few
    assert "No images in" in said("--quantize", "int8", "--calibration", tmp_path / "none")
    assert "no labels" in said("--labeled", tmp_path / "three")
    assert "takes and gives integers" in said("--io", "int8")
    assert "are for a .tflite" in said("--format", "onnx", "--quantize", "int8")
    assert "its images are not known: name some" in said(encoder=run / "encoder.keras")
    np.savez(tmp_path / "bands.npz", images=np.zeros((9, 16, 16, 4), np.uint8))
    assert "3 channels are needed" in said("--calibration", tmp_path / "bands.npz")
    with pytest.raises(SystemExit):
        main(["export", str(run), "--out", str(out), "--batch", "0"])
    assert "must be a whole number from 1, or any; received '0'" in capfd.readouterr().err
    out.write_text("a file")
    assert "is not a folder" in failure(capfd, "export", run, "--out", out, "--format", "tflite")
    assert out.read_text() == "a file"


class Noise(keras.layers.Layer):
    """Never gives the same twice, so no file can agree with it."""

    def call(self, inputs):
        return inputs + tf.random.uniform(tf.shape(inputs))


def test_an_export_that_differs_is_not_left_where_it_would_be_taken(run, images, tmp_path, capfd):
    ship = tmp_path / "ship"
    assert main(["export", str(run), "--out", str(ship), "--format", "saved_model"]) == 0
    inputs = keras.Input((16, 16, 3))
    noisy = keras.Model(inputs, Noise()(keras.layers.GlobalAveragePooling2D()(inputs)), name="noisy")
    noisy.save(tmp_path / "noisy.keras")
    capfd.readouterr()
    with keras.saving.custom_object_scope({"Noise": Noise}):
        flags = ["--out", str(ship), "--format", "saved_model", "--calibration", str(images[0])]
        assert main(["export", str(tmp_path / "noisy.keras"), *flags]) == 1
    assert "differ from Keras" in capfd.readouterr().err
    assert {path.name for path in ship.iterdir()} == {"README.md", "encoder", "parity.json", *FOR_SERVERS}
    assert "noisy" not in (ship / "README.md").read_text()
    assert [path.name for path in (ship / "encoder").iterdir()] == ["1"]
    (parity,) = json.loads((ship / "parity.json").read_text())
    assert not parity["passed"]


def test_excluded_images_do_not_calibrate(run, tmp_path, capfd):
    shutil.copytree(run, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["exclude"] = ["bars", "dots", *(f"flat/{i}.png" for i in range(9))]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    flags = ["--out", tmp_path / "ship", "--format", "tflite", "--quantize", "int8"]
    said = failure(capfd, "export", tmp_path / "run", *flags)
    assert "needs at least 8 calibration images" in said
    assert "7 images in" in said


@pytest.mark.parametrize(
    ("format", "files"),
    [
        pytest.param("onnx", ["encoder.onnx", "encoder.onnx.json"], marks=pytest.mark.slow),
        ("openvino", ["encoder.bin", "encoder.xml", "encoder.xml.json"]),
    ],
)
def test_export_for_other_runtimes(format, files, run, tmp_path):
    assert main(["export", str(run), "--out", str(tmp_path / "ship"), "--format", format]) == 0
    assert sorted(path.name for path in (tmp_path / "ship").iterdir()) == ["README.md", *files, "parity.json"]
    (parity,) = json.loads((tmp_path / "ship/parity.json").read_text())
    assert parity["format"] == format
    assert parity["passed"]


def test_export_with_a_head_names_classes(run, tmp_path, capfd):
    encoder = keras.models.load_model(run / "encoder.keras")
    weights = np.random.default_rng(0).normal(size=(encoder.output_shape[-1], 2))
    head = LinearHead(weights, np.zeros(2), ("lynx", "otter"))
    head.save(tmp_path / "head.npz")
    flags = ["--head", str(tmp_path / "head.npz"), "--out", str(tmp_path / "ship"), "--format", "saved_model"]
    assert main(["export", str(run), *flags]) == 0
    assert {path.name for path in (tmp_path / "ship").iterdir()} == {
        "classifier",
        "README.md",
        "parity.json",
        *FOR_SERVERS,
    }
    assert "does not say which encoder" in capfd.readouterr().err
    (parity,) = json.loads((tmp_path / "ship/parity.json").read_text())
    assert parity["passed"]
    assert parity["predictions"] < 1e-3
    assert "has a head of its own" in failure(capfd, "export", run, *flags, "--classifier")
    LinearHead(np.zeros((3, 2)), np.zeros(2), ("lynx", "otter")).save(tmp_path / "head.npz")
    assert main(["export", str(run), *flags]) == 2
    assert "of another encoder" in capfd.readouterr().err


def test_export_says_what_made_it(run, tmp_path, capfd):
    ship = tmp_path / "ship"
    ship.mkdir()
    (ship / "README.md").write_text("# Mine\n")
    flags = ["--out", str(ship), "--format", "saved_model", "--license", "cc-by-4.0"]
    assert main(["export", str(run), *flags]) == 0
    facts = json.loads((ship / "encoder/1/assets.extra/provenance.json").read_text())
    config = json.loads((run / "config.json").read_text())
    assert facts["license"] == "cc-by-4.0"
    assert facts["training"]["checksum"] == config["checksum"]
    assert (facts["training"]["source"], facts["training"]["image_count"]) == ("train", 48)
    assert facts["training"]["recipe"] == config["recipe"]
    assert (ship / "README.md").read_text() == "# Mine\n"
    for card in (ship / "MODEL_CARD.md", ship / "encoder/1/assets.extra/README.md"):
        front = yaml.safe_load(card.read_text().split("---\n")[1])
        assert (front["library_name"], front["license"]) == ("byol_keras", "cc-by-4.0")
        assert config["checksum"] in card.read_text()
    assert "- `encoder/1`" in (ship / "MODEL_CARD.md").read_text()
    capfd.readouterr()
    assert "A license is a name in one line" in failure(capfd, "export", run, *flags[:-1], " ")


def test_export_on_a_disk_that_fills_up(run, tmp_path, capfd):
    with mounted(tmp_path / "disk", "1m") as disk:
        line = failure(capfd, "export", run, "--out", disk / "ship", "--format", "tflite")
        assert "encoder.tflite: No space left on device" in line
        assert not [path for path in disk.rglob("*") if path.is_file()]
