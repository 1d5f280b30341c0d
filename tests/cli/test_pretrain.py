"""`byol-keras pretrain`: what a run holds, how it is resumed and repeated, and what it refuses."""

import csv
import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.callbacks.checkpoint import checkpoints
from byol_keras.cli.main import main
from byol_keras.utils.checksum import sha256_of, write_checksum

from ..failing_command import failure


def test_a_run_holds_everything_and_nothing_partial(run):
    config = json.loads((run / "config.json").read_text())
    assert config["recipe"]["epochs"] == 3
    assert config["seed"] == 3
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    # BYOL's loss, less the coding rate, of at most log(1 + 256 / (16 * 0.2**2)) / 2 for 16 vectors of 256.
    assert all(-3 < float(row["loss"]) <= 8 for row in rows)
    assert float(rows[-1]["tau"]) > float(rows[0]["tau"])
    assert list((run / "logs").rglob("events.out.tfevents.*"))
    assert not [path for path in run.rglob("*") if ".part" in path.name]
    encoder = keras.models.load_model(run / "encoder.keras")
    assert encoder.input_shape == (None, 16, 16, 3)
    # Without a probe the best epoch is that of the highest rank; here the first, which is not the last.
    ranks = [float(row["embedding_rank"]) for row in rows]
    best = keras.models.load_model(run / "best_encoder.keras").get_weights()
    same = all(np.array_equal(*pair) for pair in zip(best, encoder.get_weights(), strict=True))
    assert same == (int(np.argmax(ranks)) == 2)
    assert {v.dtype for v in encoder.variables} == {"float32"}


@pytest.fixture
def unfinished(run, tmp_path):
    """A copy of the run as if it had been stopped before the encoder was written."""
    shutil.copytree(run, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "encoder.keras").unlink()
    return tmp_path / "unfinished"


@pytest.mark.slow
def test_a_run_whose_images_have_changed_goes_on_with_those_it_had(unfinished, images, tmp_path, capfd):
    (_, last), (earlier, _) = checkpoints(unfinished / "checkpoints")
    assert earlier == 6
    last.unlink()
    shutil.copytree(images[0], tmp_path / "changed")
    (tmp_path / "changed" / "bars" / "0.png").unlink()
    shutil.copy(images[1] / "dots" / "0.png", tmp_path / "changed" / "dots" / "new.png")
    config = json.loads((unfinished / "config.json").read_text())
    # Where the images lie may be changed: they may have been moved.
    (unfinished / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "changed")}))
    assert main(["pretrain", "--out", str(unfinished), "--resume"]) == 0
    said = capfd.readouterr()
    assert "1 images are gone since the run was begun, and the next ones take their places: bars/0.png" in said.err
    assert "on 48 images" in said.out
    assert (unfinished / "encoder.keras").exists()


def test_a_run_that_lost_many_of_its_images_is_not_resumed(unfinished, images, tmp_path, capfd):
    shutil.copytree(images[0], tmp_path / "fewer")
    shutil.rmtree(tmp_path / "fewer" / "bars")
    config = json.loads((unfinished / "config.json").read_text())
    (unfinished / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "fewer")}))
    said = failure(capfd, "pretrain", "--out", unfinished, "--resume")
    assert "16 of the 48 images that" in said
    assert "bars/0.png, " in said
    assert not (unfinished / "encoder.keras").exists()


@pytest.mark.parametrize(("name", "value"), [("epochs", 4), ("batch_size", 8), ("learning_rate", 1.0)])
def test_a_run_whose_config_was_edited_is_not_resumed(unfinished, capfd, name, value):
    config = json.loads((unfinished / "config.json").read_text())
    config["recipe"][name] = value
    (unfinished / "config.json").write_text(json.dumps(config))
    assert "config.json was changed after the run was begun" in failure(
        capfd, "pretrain", "--out", unfinished, "--resume"
    )
    # What it is good for is another run.
    assert bk.load_run(unfinished).recipe.epochs == config["recipe"]["epochs"]


def test_updates_skipped_in_float16_do_not_repeat_an_epoch(unfinished):
    # The optimizer does not count an update that overflowed: 8 of the 9 of three epochs.
    (step, checkpoint), *_ = checkpoints(unfinished / "checkpoints")
    model = keras.models.load_model(checkpoint)
    assert int(model.optimizer.iterations) == step == 9
    model.optimizer.iterations.assign(8)
    model.save(checkpoint)
    write_checksum(checkpoint, sha256_of(checkpoint))
    history = (unfinished / "history.csv").read_text()
    assert main(["pretrain", "--out", str(unfinished), "--resume"]) == 0
    encoder = keras.models.load_model(unfinished / "encoder.keras")
    for weight, trained in zip(encoder.get_weights(), model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, trained)
    assert (unfinished / "history.csv").read_text() == history


def test_a_finished_run_is_not_resumed_and_not_overwritten(run, images, capfd):
    assert "finished" in failure(capfd, "pretrain", "--out", run, "--resume")
    assert "--resume" in failure(capfd, "pretrain", "--data", images[0], "--out", run)
    assert "--epochs must be above the 3 that" in failure(capfd, "pretrain", "--out", run, "--resume", "--epochs", "3")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "nonesuch"], "nonesuch"),
        (["--backbone", "vgg"], "vgg"),
        (["--image-size", "0"], "--image-size"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "64"], "larger than the data, 48 images"),
        (["--probe", "missing"], "No such file or folder: 'missing'"),
        (["--batch-size", "1"], "at least 2"),
        (["--precision", "int4"], "int4"),
        (["--crop-area", "0"], "--crop-area"),
        (["--crop-area", "1.5"], "--crop-area"),
        (["--checkpoint-minutes", "0"], "--checkpoint-minutes between checkpoints must be above 0"),
        (["--checkpoint-minutes", "nan"], "--checkpoint-minutes"),
        (["--checkpoint-steps", "0"], "--checkpoint-steps between checkpoints must be 1 or more"),
        (["--seed", "-1"], "--seed must be a whole number from 0 to"),
        (["--seed", "20261122101500"], "--seed must be a whole number from 0 to"),
    ],
)
def test_bad_flags_are_one_line_and_leave_nothing(flags, said, images, tmp_path, capfd):
    out = tmp_path / "run"
    assert said in failure(capfd, "pretrain", "--data", images[0], "--out", out, *flags)
    assert not out.exists()


def test_bad_sources_are_one_line(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    for i in range(3):
        (tmp_path / "broken" / f"{i}.jpg").write_bytes(b"\xff\xd8\xff not an image")
    for source in ("missing", "empty", "broken"):
        message = failure(capfd, "pretrain", "--data", tmp_path / source, "--out", tmp_path / "run")
        assert str(tmp_path / source) in message
        assert not (tmp_path / "run").exists()


def test_a_saved_encoder_loads_after_a_plain_import(run):
    code = f"import byol_keras, keras; print(keras.models.load_model({str(run / 'encoder.keras')!r}).name)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "resnet8", shown.stderr


@pytest.mark.slow
def test_a_run_is_repeated_from_its_config(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["pretrain", "--config", str(run / "config.json"), "--out", "same"]) == 0
    # As many threads, the same process: the same weights.
    for a, b in zip(bk.load_run(run).encoder.get_weights(), bk.load_run("same").encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_flag_goes_before_the_config(run, tmp_path, monkeypatch):
    # What is trained with stands in the new config before training begins.
    monkeypatch.setattr("byol_keras.workflows.pretrain.train_run", lambda run, *_: run)
    words = ["pretrain", "--config", str(run / "config.json"), "--out", str(tmp_path / "again"), "--epochs", "1"]
    assert main(words) == 0
    first, second = (json.loads((path / "config.json").read_text()) for path in (run, tmp_path / "again"))
    assert second.pop("recipe") == {**first.pop("recipe"), "epochs": 1}
    assert second.pop("checksum") != first.pop("checksum")
    assert second == first
