"""`byol-keras label` as it is typed."""

import csv
import http.client
import json
import re
import signal
import subprocess
import sys
import tarfile
import time

import keras
import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.errors import InputError
from byol_keras.runs.recipe import recipe_named
from byol_keras.runs.run import Run
from byol_keras.tasks.retrieval import build
from byol_keras.workflows.label import open_labeling


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
    for instead in (["--next", "3"], ["--write"]):
        line = failure(capfd, run, "--data", folder, *instead, "--port", "80")
        assert "Without a page there is no port: leave it out. Received: --port 80" in line
    line = failure(capfd, run, "--data", folder, "--next", "3", "--out", tmp_path / "out")
    assert f"Nothing is written: leave out --out. Received: --out {tmp_path / 'out'}" in line
    assert not (run / "labeled").exists()
    with tarfile.open(tmp_path / "images.tar", "w") as tar:
        tar.add(folder, ".")
    (tmp_path / "tars").mkdir()
    (tmp_path / "images.tar").rename(tmp_path / "tars" / "images.tar")
    assert "holds no image files" in failure(capfd, run, "--data", tmp_path / "tars", "--next", "3")
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
    assert "1 labeled images are not used: gone.png" in shown.err
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


def serving(command, log):
    """A process that labels, once it has said where."""
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 300
    while "http://127.0.0.1:" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


@pytest.mark.slow
def test_two_pages_on_one_run_are_refused_and_a_dead_one_is_not_in_the_way(run, colored, tmp_path, capfd):
    words = ["label", str(run), "--data", str(colored[0])]
    command = [sys.executable, "-m", "byol_keras", *words]
    first = serving(command, tmp_path / "log")
    try:
        assert f"labels.csv is in use by another process ({first.pid} on " in failure(capfd, *words[1:])
        # What only reads goes on.
        assert main([*words, "--next", "2"]) == 0
        first.kill()
        first.wait()
        first = serving(command, tmp_path / "log")
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 143
        assert "ended by SIGTERM" in (tmp_path / "log").read_text()
        assert "Traceback" not in (tmp_path / "log").read_text()
    finally:
        first.kill()
        first.wait()


def test_labels_in_a_folder_that_is_not_there_yet(run, colored, tmp_path):
    words = ["label", str(run), "--data", str(colored[0]), "--labels", str(tmp_path / "new" / "deep" / "labels.csv")]
    process = serving([sys.executable, "-m", "byol_keras", *words], tmp_path / "log")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert [path.name for path in (tmp_path / "new" / "deep").iterdir()] == [".labels.csv.lock"]


@pytest.fixture
def embedded(monkeypatch):
    """The names of the images that were embedded, call by call."""
    calls, embed = [], build.embed

    def noted(encoder, source, **how):
        calls.append(list(source.names))
        return embed(encoder, source, **how)

    monkeypatch.setattr(build, "embed", noted)
    return calls


def test_embeddings_are_cached_and_only_changed_images_embedded_again(run, colored, embedded, tiny_encoder, tmp_path):
    folder, names, *_ = colored
    first = open_labeling(bk.load_run(run), folder, tmp_path / "labels.csv")
    assert first.names == tuple(sorted(names))
    np.testing.assert_allclose(first.embeddings, embed_all(run, folder), rtol=1e-5)
    again = open_labeling(bk.load_run(run), str(folder) + "/.", tmp_path / "labels.csv")
    assert (again.names, embedded) == (first.names, [list(first.names)])
    np.testing.assert_array_equal(again.embeddings, first.embeddings)

    Image.new("RGB", (40, 30), (1, 2, 3)).save(folder / names[0])
    changed = open_labeling(bk.load_run(run), folder, tmp_path / "labels.csv")
    assert (changed.names, embedded[1:]) == (first.names, [[names[0]]])
    assert (np.abs(changed.embeddings - first.embeddings).max(axis=1) > 0).sum() == 1
    np.testing.assert_allclose(changed.embeddings, embed_all(run, folder), rtol=1e-5)
    (folder / names[1]).unlink()
    assert len(open_labeling(bk.load_run(run), folder, tmp_path / "labels.csv").names) == 59
    assert len(embedded) == 2
    keras.utils.set_random_seed(1)
    tiny_encoder().save(run / "encoder.keras")
    other = open_labeling(bk.load_run(run), folder, tmp_path / "labels.csv")
    assert [len(call) for call in embedded] == [60, 1, 59]
    np.testing.assert_allclose(other.embeddings, embed_all(run, folder), rtol=1e-5)
    assert len(list((run / "embeddings").iterdir())) == 1


def embed_all(run, folder):
    return bk.evaluation.embed(bk.load_encoder(run), bk.data.open_source(folder))


def test_two_folders_of_one_name_do_not_share_a_cache(run, colored, embedded, tmp_path):
    folder = tmp_path / "other" / "colored"
    folder.mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(folder / "a.png")
    for _ in range(2):
        assert len(open_labeling(bk.load_run(run), colored[0], tmp_path / "labels.csv").names) == 60
        assert open_labeling(bk.load_run(run), folder, tmp_path / "labels.csv").names == ("a.png",)
    assert [len(call) for call in embedded] == [60, 1]


def test_a_damaged_cache_is_said_and_computed_again(run, colored, embedded, tmp_path, capfd):
    open_labeling(bk.load_run(run), colored[0], tmp_path / "labels.csv")
    (path,) = (run / "embeddings").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert open_labeling(bk.load_run(run), colored[0], tmp_path / "labels.csv").embeddings.shape == (60, 4)
    assert "embedding all images again" in capfd.readouterr().err
    assert [len(call) for call in embedded] == [60, 60]


def test_images_that_cannot_be_decoded_are_excluded(run, colored, tmp_path, capfd):
    (colored[0] / "cut.jpg").write_bytes(b"\xff\xd8\xff cut short")
    assert len(open_labeling(bk.load_run(run), colored[0], tmp_path / "labels.csv").names) == 60
    assert "cut.jpg" in capfd.readouterr().err


def test_a_run_that_has_not_finished(run, colored, tmp_path):
    (run / "encoder.keras").unlink()
    with pytest.raises(InputError, match="training has not finished"):
        open_labeling(bk.load_run(run), colored[0], tmp_path / "labels.csv")
