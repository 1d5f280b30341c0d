"""Ctrl-C and SIGTERM at any moment of a command: one line, the code that shells know, and nothing half written."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from byol_keras.cli.main import main
from byol_keras.errors import Interrupted

MOMENTS = (0, 2)
MORE_MOMENTS = (0.2, 0.5, 1, 1.5, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8)


def listens(process):
    """Whether a process has said what to do on SIGTERM."""
    line = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "SigCgt" in line)
    return int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1


def stopped(words, number, moment, log):
    """Exit code and output of a command that gets a signal so many seconds after it began to listen."""
    if not Path("/proc/self/status").exists():
        pytest.skip("whether a process listens is asked of /proc")
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", "byol_keras", *words], stdout=file, stderr=file)
        deadline = time.monotonic() + 60
        while not listens(process):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moment)
        if process.poll() is None:
            process.send_signal(number)
        return process.wait(120), log.read_text().splitlines()


@pytest.mark.parametrize(
    "moment", [*MOMENTS, *(pytest.param(moment, marks=pytest.mark.slow) for moment in MORE_MOMENTS)]
)
@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM")], ids=["INT", "TERM"]
)
def test_a_signal_is_one_line_and_leaves_nothing_half_written(number, said, moment, photo_run, commands, tmp_path):
    before = sorted(path.name for path in photo_run.folder.rglob("*"))
    words = commands(photo_run.folder)["evaluate"]
    code, lines = stopped(words, number, moment, tmp_path / "log")
    if code == 0:
        pytest.skip("it was quicker")
    assert code == 128 + number
    # At first it does not know yet which command it is.
    assert lines in ([f"byol-keras evaluate: {said}"], [f"byol-keras: {said}"])
    assert sorted(path.name for path in photo_run.folder.rglob("*")) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_work_changes_nothing(number):
    script = f"""
import atexit, os, runpy, sys
atexit.register(os.kill, os.getpid(), {int(number)})
sys.argv = ["byol-keras", "--version"]
runpy.run_module("byol_keras", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_exec_leaves_with_its_code_as_well(number, tmp_path):
    # As a module, like `python -m byol_keras`: of a script Python does not remember it.
    (tmp_path / "probe.py").write_text(f"""
import signal, sys
from byol_keras.cli import main as module
def import_tensorflow(**options):
    exec("signal.raise_signal({int(number)})")
module.import_tensorflow = import_tensorflow
sys.argv = ["byol-keras", "evaluate", "run", "--train", "a", "--test", "b"]
sys.exit(module.program())
""")
    done = subprocess.run([sys.executable, "-m", "probe"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + number
    assert done.stderr.startswith("byol-keras evaluate: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_says_its_line_and_its_code(number, monkeypatch, capfd, tmp_path):
    def work(options):
        raise Interrupted("saved after step 7. Go on with --resume", number)

    monkeypatch.setattr("byol_keras.cli.pretrain._run", work)
    assert main(["pretrain", "--out", str(tmp_path)]) == 128 + number
    assert capfd.readouterr().err == "byol-keras pretrain: saved after step 7. Go on with --resume\n"


def test_the_way_on_is_a_line_to_be_typed(monkeypatch, capfd, tmp_path):
    def work(options):
        raise Interrupted("saved after step 7.", signal.SIGINT)

    monkeypatch.setattr("byol_keras.cli.pretrain._run", work)
    out = tmp_path / "epochs=50 seed" / "batch_size"
    out.mkdir(parents=True)
    (out / "config.json").touch()
    assert main(["pretrain", "--out", str(out)]) == 130
    assert capfd.readouterr().err.endswith(f"Go on with: byol-keras pretrain --out '{out}' --resume\n")
    # An extension that its run does not know of yet, and one that it does.
    for legs, way_on in (([], " --resume --epochs 4"), ([2], " --resume"), ([2, 4], " --resume --epochs 4")):
        (out / "config.json").write_text(json.dumps({"legs": legs, "recipe": {"epochs": 4 if legs else 2}}))
        assert main(["pretrain", "--out", str(out), "--resume", "--epochs", "4"]) == 130
        assert capfd.readouterr().err.endswith(f"Go on with: byol-keras pretrain --out '{out}'{way_on}\n")


def test_control_characters_do_not_reach_the_terminal(capfd, tmp_path):
    name = "a\x1b[2J\x9b\u202egpj\nb\t\x07"
    assert main(["embed", str(tmp_path / name), "--data", "x", "--out", str(tmp_path / "e.npz")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith(r"a\x1b[2J\x9b\u202egpj\nb\t\x07.")
