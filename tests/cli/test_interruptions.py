"""Real processes that are killed, stopped and robbed of their images while they train."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras import load_run
from byol_keras.callbacks.checkpoint import checkpoints, load_checkpoint

from ..disks import fill, mounted

STEPS = 6  # of an epoch


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """48 images of several sizes, every second a JPEG: read from their files at each step."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for i in range(8 * STEPS):
        pixels = generator.integers(0, 255, (20 + i % 3, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.{'jpg' if i % 2 else 'png'}")
    return folder


def begin(photos, out, epochs, *flags):
    sizes = ["--backbone", "resnet8", "--image-size", "16", "--batch-size", "8", "--hidden-width", "32"]
    return start(out, "--data", photos, "--epochs", epochs, "--seed", 3, "--precision", "float32", *sizes, *flags)


def start(out, *arguments):
    command = [sys.executable, "-m", "byol_keras", "pretrain", "--out", out, *arguments]
    with log_path(out).open("w") as log:
        return subprocess.Popen([*map(str, command)], stdout=log, stderr=log)


def log_path(out):
    """Beside the photos' copy or the disk that a test fills, never on it."""
    return out.parents[1] / f"{out.parent.name}-{out.name}.log"


def log_of(out):
    return log_path(out).read_text()


def finish(process, out, code=0):
    assert process.wait(500) == code, log_of(out)


def wait_until(process, out, condition):
    deadline = time.monotonic() + 500
    while not condition():
        assert process.poll() is None, log_of(out)
        assert time.monotonic() < deadline
        time.sleep(0.01)


def step_of(out):
    return max((step for step, _ in checkpoints(out / "checkpoints")), default=0)


def assert_same(one, other):
    weights = (keras.models.load_model(run / "encoder.keras").get_weights() for run in (one, other))
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one / "history.csv").read_text() == (other / "history.csv").read_text()


def test_a_run_that_is_stopped_saves_its_step_and_says_how_to_go_on(photos, tmp_path):
    out = tmp_path / "a run"
    process = begin(photos, out, 1000, "--checkpoint-steps", 1)
    wait_until(process, out, lambda: step_of(out) >= 2)
    process.send_signal(signal.SIGTERM)
    finish(process, out, 128 + signal.SIGTERM)
    said = log_of(out)
    assert f"stopped at step {step_of(out)}; all of it is saved." in said
    assert f"Go on with: byol-keras pretrain --out '{out}' --resume" in said
    assert "Traceback" not in said
    assert int(load_checkpoint(out / "checkpoints").steps) == step_of(out)


@pytest.mark.slow
def test_a_run_that_is_killed_and_stopped_ends_as_if_left_alone(photos, tmp_path):
    straight, out = tmp_path / "straight", tmp_path / "a run"
    finish(begin(photos, straight, 3), straight)

    process = begin(photos, out, 3, "--checkpoint-steps", 2)
    wait_until(process, out, lambda: step_of(out) >= 4)
    process.kill()
    process.wait()
    killed_at = step_of(out)

    process = start(out, "--resume", "--checkpoint-steps", 2)
    wait_until(process, out, lambda: step_of(out) > killed_at)
    process.send_signal(signal.SIGTERM)
    finish(process, out, 128 + signal.SIGTERM)
    assert step_of(out) < 3 * STEPS, "stopped too late to show anything"

    finish(start(out, "--resume"), out)
    assert_same(straight, out)


@pytest.mark.slow
def test_an_extension_that_is_killed_and_stopped_ends_as_if_left_alone(photos, tmp_path):
    straight, out = tmp_path / "straight", tmp_path / "run"
    finish(begin(photos, straight, 1.5), straight)
    shutil.copytree(straight, out)
    finish(start(straight, "--resume", "--epochs", 4), straight)

    before, first = (out / "encoder.keras").read_bytes(), step_of(out)
    process = start(out, "--resume", "--epochs", 4, "--checkpoint-steps", 2)
    wait_until(process, out, lambda: step_of(out) > first)
    process.kill()
    process.wait()
    killed_at = step_of(out)

    process = start(out, "--resume", "--checkpoint-steps", 2)
    wait_until(process, out, lambda: step_of(out) > killed_at)
    process.send_signal(signal.SIGTERM)
    finish(process, out, 128 + signal.SIGTERM)
    assert step_of(out) < 4 * STEPS, "stopped too late to show anything"
    assert (out / "encoder.keras").read_bytes() == before

    finish(start(out, "--resume"), out)
    assert_same(straight, out)
    assert load_run(out) == dataclasses.replace(load_run(straight), folder=out)


@pytest.mark.slow
def test_ctrl_c_saves_and_twice_leaves_at_once(photos, tmp_path):
    out = tmp_path / "run"
    process = begin(photos, out, 1000, "--checkpoint-steps", 1)
    wait_until(process, out, lambda: step_of(out) >= 2)
    process.send_signal(signal.SIGINT)
    finish(process, out, 130)
    assert f"stopped at step {step_of(out)}; all of it is saved." in log_of(out)
    assert int(load_checkpoint(out / "checkpoints").steps) == step_of(out)

    process = start(out, "--resume")
    wait_until(process, out, lambda: "from step" in log_of(out))
    # While the step is traced nothing can be saved, and the second one does not wait for that.
    process.send_signal(signal.SIGINT)
    wait_until(process, out, lambda: "Once more" in log_of(out))
    process.send_signal(signal.SIGINT)
    finish(process, out, 130)
    assert "byol-keras pretrain: interrupted" in log_of(out)


@pytest.mark.slow
def test_images_lost_in_training_are_named_and_replaced(photos, tmp_path):
    source, out = tmp_path / "photos", tmp_path / "run"
    shutil.copytree(photos, source)
    process = begin(source, out, 12, "--checkpoint-steps", 2)
    wait_until(process, out, lambda: step_of(out) >= 2)
    (source / "01.jpg").unlink()
    os.truncate(source / "02.png", 100)
    Image.new("RGB", (10, 10)).save(source / "03.jpg")
    finish(process, out)
    said = log_of(out)
    assert "01.jpg (No such file or directory)" in said
    assert said.count("the next ones take their places: 01.jpg") == 1
    assert "03.jpg (10 x 10 pixels now, and 20 x 24 before)" in said
    assert "Epoch 12/12" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_folder_of_images_that_goes_away_ends_training_and_loses_nothing(photos, tmp_path):
    source, out = tmp_path / "photos", tmp_path / "run"
    shutil.copytree(photos, source)
    process = begin(source, out, 1000)
    wait_until(process, out, lambda: "Epoch 3/" in log_of(out))
    source.rename(tmp_path / "moved")
    finish(process, out, 2)
    said = log_of(out)
    assert "48 of the 48 images cannot be read any more: 00.png (No such file or directory)" in said
    assert "Traceback" not in said
    assert step_of(out) >= 2 * STEPS
    assert int(load_checkpoint(out / "checkpoints").steps) == step_of(out)


@pytest.mark.slow
def test_a_run_folder_that_goes_away_is_not_made_again(photos, tmp_path):
    out = tmp_path / "run"
    process = begin(photos, out, 1000, "--checkpoint-steps", 1)
    wait_until(process, out, lambda: step_of(out) >= 2)
    out.rename(tmp_path / "moved")
    finish(process, out, 2)
    assert "its folder is gone" in log_of(out)
    assert not (out / "checkpoints").exists()
    assert not (out / "encoder.keras").exists()


@pytest.mark.slow
def test_a_disk_that_fills_up_leaves_what_was_saved(photos, tmp_path):
    with mounted(tmp_path / "disk", "64m") as disk:
        out = disk / "run"
        process = begin(photos, out, 1000, "--checkpoint-steps", 2)
        wait_until(process, out, lambda: step_of(out) >= 4)
        fill(disk)
        finish(process, out, 2)
        assert "No space left on device" in log_of(out)
        assert "Traceback" not in log_of(out)
        saved = load_checkpoint(out / "checkpoints")
        assert int(saved.steps) >= 4

        (disk / "ballast").unlink()
        process = start(out, "--resume", "--checkpoint-steps", 2)
        wait_until(process, out, lambda: step_of(out) > int(saved.steps))
        process.kill()
        process.wait()
