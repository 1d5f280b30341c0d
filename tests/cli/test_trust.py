"""Runs and files from elsewhere: through every command that loads them, one line, and no code of theirs is run."""

import json
import shutil

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.runs.image_list import write_image_list
from byol_keras.utils.checksum import sha256_of, write_checksum

COMMANDS = (
    *("evaluate", "finetune", "embed", "export", "search", "duplicates", "retrieval", "label", "detect", "segment"),
    "verify",
)


class Marker:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    """What no test ever makes."""
    return tmp_path_factory.mktemp("marker") / "marker"


@pytest.fixture(scope="module")
def hostile(marker):
    """A .keras file with a Lambda that makes the marker."""
    inputs = keras.Input((16, 16, 3))
    code = f"lambda x: (open({str(marker)!r}, 'w'), x)[1]"
    hidden = keras.layers.Lambda(eval(code), output_shape=(16, 16, 3))(inputs)
    path = marker.with_name("hostile.keras")
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(hidden)).save(path)
    marker.unlink(missing_ok=True)
    return path


@pytest.fixture(scope="module")
def diverged(untrained, tmp_path_factory):
    encoder = keras.models.load_model(untrained(5))
    encoder.set_weights([np.full_like(weight, np.nan) for weight in encoder.get_weights()])
    path = tmp_path_factory.mktemp("diverged") / "diverged.keras"
    encoder.save(path)
    return path


def refusal(capfd, words):
    """The one line on standard error of a command that must fail on bad input."""
    capfd.readouterr()
    assert main([str(word) for word in words]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert line.startswith(f"byol-keras {words[0]}: ")
    return line


@pytest.mark.parametrize("command", COMMANDS)
def test_an_encoder_with_code_is_refused_by_every_command(command, hostile, photo_run, commands, marker, capfd):
    shutil.copy(hostile, photo_run.encoder_path)
    line = refusal(capfd, commands(photo_run.folder)[command])
    assert "encoder.keras holds Python code, which loading never runs" in line
    assert not marker.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_encoder_that_has_diverged_is_refused_by_every_command(command, diverged, photo_run, commands, capfd):
    shutil.copy(diverged, photo_run.encoder_path)
    line = refusal(capfd, commands(photo_run.folder)[command])
    assert "encoder.keras has NaN or infinity in" in line
    assert not (photo_run.folder / "results").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_encoder_that_is_another_file_is_refused_by_every_command(command, photo_run, commands, capfd):
    photo_run.encoder_path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "encoder.keras is not a Keras model" in refusal(capfd, commands(photo_run.folder)[command])


@pytest.mark.parametrize("kind", ["hostile", "diverged", "other"])
def test_a_checkpoint_like_that_is_not_resumed(kind, hostile, diverged, photo_run, marker, capfd):
    photo_run.encoder_path.unlink()
    write_image_list(photo_run, bk.data.open_source(photo_run.data))
    path = photo_run.checkpoints_path / "step-00000001.keras"
    path.parent.mkdir()
    if kind == "other":
        path.write_bytes(b"no archive")
    else:
        shutil.copy({"hostile": hostile, "diverged": diverged}[kind], path)
    write_checksum(path, sha256_of(path))
    line = refusal(capfd, ["pretrain", "--out", photo_run.folder, "--resume"])
    assert "checkpoints" in line
    assert not marker.exists()


def test_a_classifier_with_code_is_not_exported(hostile, photo_run, marker, tmp_path, capfd):
    photo_run.classifier_path.mkdir()
    shutil.copy(hostile, photo_run.classifier_path / "classifier.keras")
    words = ["export", photo_run.folder, "--classifier", "--out", tmp_path / "out"]
    for names in ('["a"]', "{}", '{"class_names": "ab"}', '{"class_names": [1, 2]}', "[" * 100_000, "\xff"):
        (photo_run.classifier_path / "classes.json").write_text(names, encoding="latin-1")
        assert "classes.json" in (line := refusal(capfd, words)) or "cannot be read as a classifier" in line
    (photo_run.classifier_path / "classes.json").write_text(json.dumps({"class_names": ["a", "b", "c"]}))
    assert "classifier.keras holds Python code" in refusal(capfd, words)
    # A model of other layers, which has none of the parts that are taken from it.
    inputs = keras.Input((16, 16, 3))
    flat = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    flat.save(photo_run.classifier_path / "classifier.keras")
    assert "it has other layers" in refusal(capfd, words)
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


def test_no_npz_is_unpickled(photo_run, photos, marker, tmp_path, capfd):
    pickled = np.array([Marker(marker)] * 9, dtype=object)
    names = ("images", "labels", "class_names", "embeddings", "weights", "bias", "about", "vectors", "lengths")
    np.savez(tmp_path / "pickled.npz", **dict.fromkeys(names, pickled))
    path, run, out = tmp_path / "pickled.npz", photo_run.folder, tmp_path / "out"
    for words in (
        ["embed", run, "--data", path, "--out", tmp_path / "e.npz"],
        ["views", "--data", path, "--out", tmp_path / "v.png"],
        ["pretrain", "--data", path, "--out", out],
        ["evaluate", run, "--train", path, "--test", path],
        ["export", run, "--head", path, "--out", out],
        ["search", run, "--index", photos, "--query", photos, "--keep", path, "--out", tmp_path / "o.html"],
    ):
        assert "pickled.npz" in refusal(capfd, words)
        assert not marker.exists(), words
    assert not out.exists()


@pytest.mark.parametrize("text", ["{}", "[]", "5", '{"recipe": 5}', '{"recipe": []}', "\x00", '"\\ud800"'])
def test_a_config_that_is_something_else_is_one_line(text, photo_run, commands, capfd):
    (photo_run.folder / "config.json").write_text(text)
    assert "config.json" in refusal(capfd, commands(photo_run.folder)["evaluate"])
