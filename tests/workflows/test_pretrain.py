"""Pretraining as the commands have it: what a run keeps of its beginning."""

import dataclasses
import json
import re
import shutil
from unittest.mock import Mock

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.models.fingerprint import fingerprint
from byol_keras.runs import fit
from byol_keras.runs.image_list import write_image_list
from byol_keras.utils.checksum import sha256_of, write_checksum
from byol_keras.workflows.pretrain import pretrain
from byol_keras.workflows.resume import resume

from ..conftest import RECIPE

SHORT = dataclasses.replace(RECIPE, epochs=1, batch_size=8, hidden_width=32)


@pytest.fixture
def home(sources, tmp_path, monkeypatch):
    """A working folder with train.npz and test.npz, and beside it another with namesakes of other images."""
    for place, names in (("home", sources), ("elsewhere", sources[::-1])):
        (tmp_path / place).mkdir()
        for name, path in zip(("train.npz", "test.npz"), names, strict=True):
            shutil.copy(path, tmp_path / place / name)
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def test_a_run_is_resumed_and_used_from_another_folder(home, monkeypatch, capfd):
    pipelines = Mock(wraps=fit.two_view_batches)
    monkeypatch.setattr(fit, "two_view_batches", pipelines)
    run = pretrain("train.npz", "run", SHORT, probe="test.npz")
    assert pipelines.call_count == 1  # to trace one takes seconds
    assert re.search(
        r"Training will take about 1\.\d\d GiB of memory; \d[\d.,]* GiB are free\.", capfd.readouterr().out
    )
    assert (run.data, run.probe) == (str(home / "train.npz"), str(home / "test.npz"))
    config = json.loads((home / "run" / "config.json").read_text())
    assert (config["data"], config["probe"]) == (run.data, run.probe)
    run.encoder_path.unlink()
    monkeypatch.chdir(home.parent / "elsewhere")
    # The namesakes here have other numbers of images: to resume with them would be refused.
    resumed = resume(home / "run")
    assert resumed.encoder_path.exists()
    assert main(["export", str(home / "run"), "--out", "ship", "--format", "saved_model"]) == 0
    assert bk.load_run(home / "run") == resumed


def test_the_range_of_an_npz_is_that_of_its_run(home, monkeypatch):
    monkeypatch.setattr("byol_keras.workflows.pretrain.train_run", lambda run, *_: run)
    images = np.random.default_rng(0).integers(0, 4096, (24, 16, 16, 1)).astype(np.uint16)
    for name, most in (("scans.npz", 4095), ("others.npz", 8191)):
        np.savez(name, images=images, labels=np.arange(24) % 2, value_range=(0, most))
    run = pretrain("scans.npz", "run", SHORT, probe="scans.npz")
    assert run.value_range == bk.load_run("run").value_range == [0, 4095]
    # An image of half the range would be read as one of the whole range.
    with pytest.raises(bk.InputError, match="from 0 to 8191, and 0 to 4095 are asked for"):
        pretrain("scans.npz", "other", SHORT, probe="others.npz")
    assert pretrain("train.npz", "bytes", SHORT).value_range is None


@pytest.mark.parametrize("field", ["data", "probe"])
def test_a_run_whose_images_were_moved_says_where_to_write_it(field, home, monkeypatch):
    monkeypatch.setattr("byol_keras.workflows.pretrain.train_run", lambda run, *_: run)
    monkeypatch.setattr("byol_keras.workflows.resume.train_run", lambda run, *_: run)
    pretrain("train.npz", "run", SHORT, probe="test.npz")
    place = home / {"data": "train.npz", "probe": "test.npz"}[field]
    place.rename(home / "moved.npz")
    with pytest.raises(bk.InputError, match=rf'The {field} of this run .*write as "{field}" into run/config\.json'):
        resume("run")
    config = json.loads((home / "run" / "config.json").read_text())
    (home / "run" / "config.json").write_text(json.dumps({**config, field: str(home / "moved.npz")}))
    assert getattr(resume("run"), field) == str(home / "moved.npz")


@pytest.mark.slow
def test_other_objectives_are_flags(home):
    words = ["pretrain", "--data", "train.npz", "--out", "run", "--batch-size", "8", "--precision", "float32"]
    words += ["--hidden-width", "32"]
    weights = ["--center-weight", "0.01", "--reconstruction-weight", "1", "--critic-weight", "0.1"]
    words += ["--backbone", "resnet8", "--epochs", "1", "--image-size", "20", "--checkpoint-steps", "4"]
    assert main([*words, *weights, "--contrastive-temperature", "0.5"]) == 0
    run = bk.load_run("run")
    assert (run.recipe.center_weight, run.recipe.contrastive_temperature) == (0.01, 0.5)
    encoder = run.encoder.get_weights()
    # From the checkpoint, with the decoder and the critic that are in it.
    run.encoder_path.unlink()
    assert main(["pretrain", "--out", "run", "--resume"]) == 0
    for actual, expected in zip(bk.load_run("run").encoder.get_weights(), encoder, strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.slow
def test_training_starts_with_the_weights_of_another_run(home, make_run, capfd):
    start = make_run(encoder_seed=9, name="start")
    encoder = start.encoder
    encoder.layers[3].set_weights([w + 1 for w in encoder.layers[3].get_weights()])
    encoder.save(start.encoder_path)
    frozen = ["--learning-rate", "1e-30", "--weight-decay", "0", "--epochs", "1", "--image-size", "20"]
    frozen += ["--hidden-width", "32"]
    words = ["pretrain", "--data", "train.npz", "--out", "run", "--batch-size", "8", "--precision", "float32"]
    assert main([*words, "--backbone", "resnet8", *frozen, "--from", str(start.folder)]) == 0
    run = bk.load_run("run")
    assert (run.start_from, run.mean, run.std) == (str(start.folder), start.mean, start.std)
    assert run.start_weights == fingerprint(encoder)
    trained = [v.numpy() for v in run.encoder.trainable_variables]
    for actual, expected in zip(trained, encoder.trainable_variables, strict=True):
        np.testing.assert_allclose(actual, expected.numpy(), atol=1e-6)
    # A checkpoint or a model in a file serves as well, and the way on is the run's own.
    run.encoder_path.unlink()
    assert main(["pretrain", "--out", "run", "--resume", "--from", str(start.folder)]) == 2
    assert "leave out --from" in capfd.readouterr().err
    assert main(["pretrain", "--out", "run", "--resume"]) == 0


def test_a_start_that_does_not_fit_is_one_line(home, make_run, capfd):
    start = str(make_run(encoder_seed=9, name="start").encoder_path)
    words = ["pretrain", "--data", "train.npz", "--out", "run", "--batch-size", "8", "--image-size", "16", "--from"]
    assert main([*words, start, "--backbone", "resnet10"]) == 2
    assert "other layers than the backbone of this run: choose the --backbone" in capfd.readouterr().err
    assert main([*words, "nowhere"]) == 2
    assert "No run and no .keras file at nowhere." in capfd.readouterr().err
    np.savez("gray.npz", images=np.arange(24 * 64, dtype=np.uint8).reshape(24, 8, 8))
    words[2] = "gray.npz"
    assert main([*words, start, "--backbone", "resnet8", "--channels", "1"]) == 2
    assert "takes images with 3 channels (1 gray, 3 color), and these have 1" in capfd.readouterr().err
    assert not (home / "run").exists()


@pytest.fixture
def unfinished(home, make_run):
    """A run of which nothing is there but its beginning."""
    run = dataclasses.replace(make_run(), data=str(home / "train.npz"))
    write_image_list(run, bk.data.open_source(run.data))
    run.write_config()
    run.encoder_path.unlink()
    run.checkpoints_path.mkdir()
    return run


def test_a_checkpoint_of_another_version_is_one_line(unfinished):
    path = unfinished.checkpoints_path / "step-00000004.keras"
    path.write_text("of another version")
    write_checksum(path, sha256_of(path))
    with pytest.raises(bk.InputError, match=r"step-00000004\.keras is not a Keras model that can be loaded: "):
        resume(unfinished.folder)


@pytest.mark.parametrize(
    "content", ["", "[]", '{"names": [], "in_memory": true}', '{"names": [1], "in_memory": true}', None]
)
def test_a_list_of_images_that_cannot_be_read_is_one_line(unfinished, content):
    unfinished.image_list_path.unlink()
    if content is not None:
        unfinished.image_list_path.write_text(content)
    with pytest.raises(bk.InputError, match=r"images\.json cannot be read as the list of a run's images"):
        resume(unfinished.folder)


def test_a_damaged_history_is_said_before_training(unfinished):
    unfinished.history_path.write_text("epoch,loss\n0,\0\n")
    with pytest.raises(bk.InputError, match=r"history\.csv cannot be read as a training's history, at line 2"):
        resume(unfinished.folder)
    assert unfinished.history_path.read_text() == "epoch,loss\n0,\0\n"
