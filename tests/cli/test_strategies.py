"""`pretrain --strategy` in real processes: workers on this machine, and two devices made of one CPU."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras.callbacks.checkpoint import checkpoints

pytestmark = pytest.mark.slow

STEPS = 2  # of an epoch
FLAGS = ["--backbone", "resnet8", "--image-size", 16, "--batch-size", 8, "--hidden-width", 32, "--epochs", 3]
FLAGS += ["--seed", 3, "--precision", "float32", "--checkpoint-steps", 2]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """16 images of several sizes, every second a JPEG."""
    folder, generator = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for i in range(8 * STEPS):
        pixels = generator.integers(0, 255, (20 + i % 3, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.{'jpg' if i % 2 else 'png'}")
    return folder


def start(out, *arguments, name="one", **environment):
    command = [sys.executable, "-m", "byol_keras", "pretrain", "--out", out, *arguments]
    with out.with_name(f"{out.name}.{name}.log").open("w") as log:
        return subprocess.Popen([*map(str, command)], stdout=log, stderr=log, env={**os.environ, **environment})


def log_of(out, name="one"):
    return out.with_name(f"{out.name}.{name}.log").read_text()


def configs_of(count):
    """The environment of each worker of a cluster on this machine."""
    with contextlib.ExitStack() as open_ports:
        free = [open_ports.enter_context(socket.socket()) for _ in range(count)]
        for each in free:
            each.bind(("localhost", 0))
        cluster = {"worker": [f"localhost:{each.getsockname()[1]}" for each in free]}
    tasks = [{"type": "worker", "index": i} for i in range(count)]
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]


def start_workers(count, out, *arguments):
    return [
        start(out, "--strategy", "multi-worker", *arguments, name=f"worker-{i}", **each)
        for i, each in enumerate(configs_of(count))
    ]


def finish(processes, out):
    for index, process in enumerate(processes):
        assert process.wait(600) == 0, log_of(out, f"worker-{index}")


def weights_of(run):
    return keras.models.load_model(run / "encoder.keras").get_weights()


@pytest.fixture(scope="module")
def undisturbed(photos, tmp_path_factory):
    """A run of two workers."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    finish(start_workers(2, out, "--data", photos, *FLAGS), out)
    return out


def test_the_first_worker_writes_the_run(undisturbed):
    assert len((undisturbed / "history.csv").read_text().splitlines()) == 1 + 3
    assert "Epoch 3/3" in log_of(undisturbed, "worker-0")
    assert "Epoch" not in log_of(undisturbed, "worker-1")
    assert "Traceback" not in log_of(undisturbed, "worker-0") + log_of(undisturbed, "worker-1")


def test_workers_train_as_one_process(undisturbed, photos, tmp_path):
    out = tmp_path / "run"
    assert start(out, "--data", photos, *FLAGS).wait(600) == 0, log_of(out)
    one, two = (np.genfromtxt(run / "history.csv", delimiter=",", names=True)["loss"] for run in (out, undisturbed))
    # From one update to the next, rounding makes more of a difference.
    assert two[0] == pytest.approx(one[0], abs=1e-3)
    np.testing.assert_allclose(two, one, atol=0.02)


def test_a_worker_that_is_killed_changes_nothing(undisturbed, photos, tmp_path):
    out = tmp_path / "run"
    processes = start_workers(2, out, "--data", photos, *FLAGS)
    deadline = time.monotonic() + 500
    while not checkpoints(out / "checkpoints"):
        assert time.monotonic() < deadline, log_of(out, "worker-0")
        assert processes[0].poll() is None, log_of(out, "worker-0")
        time.sleep(0.01)
    processes[1].kill()
    processes[1].wait()
    assert processes[0].wait(500) == 2
    said = log_of(out, "worker-0")
    assert "Another worker has ended or cannot be reached" in said
    assert "Traceback" not in said
    assert not (out / "encoder.keras").exists()

    finish(start_workers(2, out, "--resume", "--checkpoint-steps", 2), out)
    for found, expected in zip(weights_of(out), weights_of(undisturbed), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (out / "history.csv").read_text() == (undisturbed / "history.csv").read_text()


MEETING = """
import json, os, sys
from byol_keras.errors import InputError
from byol_keras.runs.strategy import open_strategy, wait_for_all
strategy = open_strategy("multi-worker")
if json.loads(os.environ["TF_CONFIG"])["task"]["index"]:
    os._exit(3)
try:
    wait_for_all(strategy)
except InputError as error:
    sys.exit(str(error))
"""


def test_a_worker_that_does_not_come_to_a_meeting_is_said(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", MEETING], stderr=subprocess.PIPE, text=True, env={**os.environ, **each})
        for each in configs_of(2)
    ]
    said = processes[0].communicate(timeout=500)[1]
    processes[1].communicate(timeout=500)
    assert [process.returncode for process in processes] == [1, 3]
    assert "Another worker has ended or cannot be reached" in said
    assert "Traceback" not in said


def test_workers_stop_when_they_are_asked_to(photos, tmp_path):
    out = tmp_path / "run"
    processes = start_workers(2, out, "--data", photos, *FLAGS, "--epochs", 1000)
    deadline = time.monotonic() + 500
    while not checkpoints(out / "checkpoints"):
        assert time.monotonic() < deadline, log_of(out, "worker-0")
        time.sleep(0.01)
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
    assert [process.wait(500) for process in processes] == [128 + signal.SIGTERM] * 2
    assert "all of it is saved" in log_of(out, "worker-0")
    assert "going on until the first worker stops" in log_of(out, "worker-1")


TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from byol_keras.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_checkpoint_goes_from_one_device_to_two_and_back(undisturbed, photos, tmp_path):
    def on_two(*arguments):
        command = [sys.executable, "-c", TWO_DEVICES, "pretrain", "--out", out, "--strategy", "mirrored", *arguments]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr

    out = tmp_path / "run"
    flags = ["--data", photos, *FLAGS, "--epochs"]
    assert start(out, *flags, 1).wait(600) == 0, log_of(out)
    on_two("--resume", "--epochs", 2)
    assert start(out, "--resume", "--epochs", 3).wait(600) == 0, log_of(out)
    legs = tmp_path / "legs"
    assert start(legs, *flags, 1).wait(600) == 0, log_of(legs)
    for epochs in (2, 3):
        assert start(legs, "--resume", "--epochs", epochs).wait(600) == 0, log_of(legs)
    found, expected = (np.genfromtxt(run / "history.csv", delimiter=",", names=True) for run in (out, legs))
    np.testing.assert_allclose(found["loss"], expected["loss"], atol=0.02)
    np.testing.assert_allclose(found["tau"], expected["tau"], atol=1e-6)


def test_what_workers_cannot_do_is_said(photos, tmp_path):
    out = tmp_path / "run"
    processes = start_workers(2, out, "--data", photos, "--minutes", 5)
    assert [process.wait(500) for process in processes] == [2, 2]
    assert "--minutes goes by the time of one process, and there are 2: give --epochs." in log_of(out, "worker-0")
    processes = start_workers(2, out, "--data", photos, *FLAGS, "--batch-size", 7)
    assert [process.wait(500) for process in processes] == [2, 2]
    assert "A batch must be whole images for each of 2 replicas" in log_of(out, "worker-0")
    assert not out.exists()
