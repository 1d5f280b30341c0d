"""`byol-keras label` as it is typed."""

import csv
import http.client
import json
import re
import signal
import subprocess
import sys
import time

import keras
import pytest

from byol_keras.cli.main import main
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.run import Run


@pytest.fixture
def run(tmp_path, tiny_encoder):
    keras.utils.set_random_seed(0)
    run = Run(tmp_path / "run", recipe_named("short"), "photos", 0, 3, [0.5] * 3, [0.2] * 3)
    run.write_config()
    tiny_encoder().save(run.encoder_path)
    return run.folder


def failure(capfd, *arguments):
    """The one line of a command that must fail on bad input."""
    capfd.readouterr()
    assert main(["label", *map(str, arguments)]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    return line


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["label", "--help"])
    assert stop.value.code == 0
    assert "example: byol-keras label runs/photos --data photos/" in capsys.readouterr().out


def test_without_a_page(run, colored, capsys):
    folder, names, _, truth = colored
    kinds = dict(zip(names, truth, strict=True))
    arguments = ["label", str(run), "--data", str(folder)]
    asked = []
    for _ in range(2):
        assert main([*arguments, "--next", "6"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 6
        assert set(lines) <= set(names) - set(asked)
        asked += lines
        (run / "labels.csv").write_text("image,class\n" + "".join(f"{name},{kinds[name]}\n" for name in asked))
    assert main([*arguments, "--write"]) == 0
    assert str(run / "labeled" / "head.npz") in capsys.readouterr().out
    with (run / "labeled" / "predictions.csv").open(newline="") as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == sorted(names)
    assert sum(row["by_hand"] == "yes" for row in rows.values()) == 12
    assert sum(row["class"] == kinds[name] for name, row in rows.items()) > 54


def test_bad_input_is_one_line(run, colored, tmp_path, capfd):
    folder = colored[0]
    (tmp_path / "empty").mkdir()
    assert "No images in" in failure(capfd, run, "--data", tmp_path / "empty")
    assert "No such folder" in failure(capfd, run, "--data", tmp_path / "missing")
    assert "is not a run" in failure(capfd, tmp_path, "--data", folder)
    assert "--next must be at least 1" in failure(capfd, run, "--data", folder, "--next", "0")
    assert "at least two classes" in failure(capfd, run, "--data", folder, "--write")
    assert not (run / "labeled").exists()
    labels = tmp_path / "other.csv"
    labels.write_text("image,class\nelsewhere.png,cat\n")
    line = failure(capfd, run, "--data", folder, "--labels", labels, "--next", "3")
    assert "labels of other images" in line
    labels.write_text("not labels")
    assert "its first line must be" in failure(capfd, run, "--data", folder, "--labels", labels)
    assert "Port 99999 cannot be used" in failure(capfd, run, "--data", folder, "--port", "99999")


def test_labels_of_missing_images_are_said(run, colored, tmp_path, capfd):
    folder, names, *_ = colored
    (run / "labels.csv").write_text(f"image,class\ngone.png,cat\n{names[0]},dog\n")
    assert main(["label", str(run), "--data", str(folder), "--next", "60"]) == 0
    shown = capfd.readouterr()
    assert "1 labeled images are left out: gone.png" in shown.err
    assert set(shown.out.split()) == set(names[1:])


@pytest.mark.slow
def test_a_killed_process_loses_nothing(run, colored, tmp_path):
    """Answers over HTTP, SIGKILL, a second process that goes on, and Ctrl-C as the way to end."""
    command = [sys.executable, "-m", "byol_keras", "label", str(run), "--data", str(colored[0])]
    seen = []
    for end in (signal.SIGKILL, signal.SIGINT):
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        deadline, url = time.monotonic() + 300, None
        while url is None:
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
            url = re.search(r"http://127\.0\.0\.1:(\d+)/", (tmp_path / "log").read_text())
        connection = http.client.HTTPConnection("127.0.0.1", int(url[1]), timeout=60)
        connection.request("GET", "/")
        token = re.search(r'data-token="([^"]+)"', connection.getresponse().read().decode())[1]
        connection.request("GET", "/state")
        state = json.loads(connection.getresponse().read())
        assert state["labeled"] == len(seen)
        for index in state["waiting"][:3]:
            body = json.dumps({"image": index, "class": "x"})
            connection.request("POST", "/answer", body, {"X-Token": token})
            assert connection.getresponse().read()
            seen.append(index)
        process.send_signal(end)
        code = process.wait(60)
        connection.close()
        assert code == (-signal.SIGKILL if end == signal.SIGKILL else 0)
        with (run / "labels.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == len(seen)
    assert len(set(seen)) == 6
    assert "Go on with the same command" in (tmp_path / "log").read_text()
