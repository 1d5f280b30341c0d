"""Pretraining as the commands have it: what a run keeps of its beginning."""

import dataclasses
import json
import shutil

import pytest

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.workflows.pretrain import pretrain, resume

from ..conftest import RECIPE


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
    run = pretrain("train.npz", "run", RECIPE, probe="test.npz")
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


def test_a_checkpoint_that_cannot_be_loaded_is_one_line(home, make_run):
    run = dataclasses.replace(make_run(), data=str(home / "train.npz"))
    run.write_config()
    run.encoder_path.unlink()
    run.checkpoint_path.parent.mkdir()
    run.checkpoint_path.write_text("of another version")
    with pytest.raises(bk.InputError, match=r"last\.keras is not a Keras model that can be loaded: .* Begin a new run"):
        resume(run.folder)
