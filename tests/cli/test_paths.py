"""Runs that are elsewhere: another working directory, moved, or on a disk that takes nothing."""

import json
import shutil
import subprocess

import pytest

from byol_keras.cli.main import main
from byol_keras.runs.classifier import write_classifier
from byol_keras.runs.detector import save_detector

from ..disks import mounted

WRITING = ("evaluate", "finetune", "retrieval", "verify", "detect", "segment", "label")


@pytest.fixture
def read_only(photo_run, tmp_path):
    """The run on a file system of its own, which is read-only."""
    with mounted(tmp_path / "disk", "64m") as disk:
        shutil.copytree(photo_run.folder, disk / "run")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        yield disk / "run"


def refusal(capfd, words):
    """The one line on standard error of a command that must fail on bad input."""
    capfd.readouterr()
    assert main([str(word) for word in words]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize("command", WRITING)
def test_a_read_only_run_is_said_before_the_work_begins(command, read_only, commands, capfd):
    line = refusal(capfd, commands(read_only)[command])
    assert f"Cannot write {read_only}" in line
    assert "Read-only file system" in line


@pytest.mark.parametrize("flags", [["--write"], []])
def test_a_read_only_run_is_not_labeled(flags, read_only, photos, capfd):
    line = refusal(capfd, ["label", read_only, "--data", photos, *flags])
    assert f"Cannot write {read_only}" in line
    assert "Read-only file system" in line


@pytest.mark.parametrize("command", ["embed", "export", "search", "duplicates"])
def test_a_read_only_run_serves_what_writes_elsewhere(command, read_only, commands):
    assert main(commands(read_only)[command]) == 0


def test_models_are_not_saved_in_a_read_only_run(read_only, photo_run):
    (run,) = [photo_run.__class__(**{**vars(photo_run), "folder": read_only})]
    with pytest.raises(ValueError, match=r"Cannot write .*classifier\.keras: Read-only file system"):
        write_classifier(run.classifier_path, None, ["a"], {})
    with pytest.raises(ValueError, match=r"Cannot write .*detector\.weights\.h5: Read-only file system"):
        save_detector(None, run)


# The others open their run as these do; two of them are used from elsewhere in the test above.
@pytest.mark.parametrize(
    "command",
    [
        *("evaluate", "embed", "label"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("export", "search", "retrieval", "verify")),
    ],
)
def test_a_moved_run_is_used_by_a_relative_path_from_elsewhere(command, photo_run, commands, tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    shutil.move(photo_run.folder, tmp_path / "c" / "moved")
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert main(commands("../../c/moved")[command]) == 0
    # Nothing is made where the command was typed, nor where the run was.
    assert not any((tmp_path / "a" / "b").iterdir())
    assert not photo_run.folder.exists()
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]


def test_results_and_files_by_relative_paths(photo_run, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.chdir(photos.parent)
    assert main(["embed", str(photo_run.folder), "--data", "photos", "--out", str(tmp_path / "by" / "name.npz")]) == 0
    monkeypatch.chdir(photo_run.folder)
    assert main(["evaluate", ".", "--train", str(photos), "--test", str(photos)]) == 0
    assert len(json.loads((photo_run.folder / "results" / "evaluation.json").read_text())) == 4


def test_a_working_directory_that_is_gone(photo_run, photos, tmp_path, monkeypatch, capfd):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    out = tmp_path / "e.npz"
    assert main(["embed", str(photo_run.folder), "--data", str(photos), "--out", str(out)]) == 0
    line = refusal(capfd, ["embed", photo_run.folder, "--data", photos, "--out", "e.npz"])
    assert line.endswith("Cannot write e.npz: the working directory is gone. Change to another.")
