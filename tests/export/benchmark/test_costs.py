import dataclasses
import importlib.util
import json

import numpy as np
import pytest

from byol_keras import export
from byol_keras.errors import InputError, ParityError
from byol_keras.export.benchmark import costs
from byol_keras.export.benchmark.costs_page import costs_page
from byol_keras.export.benchmark.measurement import BATCH, Measurement, measure
from byol_keras.export.parity.comparison import size_of

pytest.importorskip("ai_edge_litert")
pytest.importorskip("matplotlib")

PEERS = [
    name
    for name, package in (("ONNX", "onnxruntime"), ("torch", "onnx2torch"))
    if importlib.util.find_spec(package) and importlib.util.find_spec("tf2onnx")
]


def measurement(name, single, batch):
    return Measurement(name, "LiteRT 2", 2, 1_500_000, 3.0, single, 1.5 * single, batch, 2 * batch)


@pytest.fixture(scope="module")
def images(make_images):
    return make_images(24, 32, 32)


@pytest.fixture(scope="module")
def files(encoder, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return {
        "served": export.saved_model(encoder, folder / "1"),
        "float32": export.tflite(encoder, folder / "float32.tflite"),
        "free": export.tflite(encoder, folder / "free.tflite", batch=None),
        "int8": export.tflite(encoder, folder / "int8.tflite", quantize="int8", calibration=images, io="int8"),
    }


@pytest.mark.slow
def test_each_file_is_measured_in_processes_of_its_own(encoder, files, images, tmp_path):
    encoder.save(tmp_path / "encoder.keras")
    kinds = {name: ("saved_model" if name == "served" else "tflite", path) for name, path in files.items()}
    kinds["Keras"] = ("keras", tmp_path / "encoder.keras")
    measured = measure(kinds, images / np.float32(255), threads=1, rounds=1, seconds=0.2)
    assert [m.name for m in measured] == [*files, "Keras"]
    assert [m.runtime.split()[0] for m in measured] == ["TensorFlow", "LiteRT", "LiteRT", "LiteRT", "Keras"]
    for m in measured:
        assert m.threads == 1
        assert 0 < m.single_ms <= m.single_p95_ms
        assert m.single_ms < m.batch_ms <= m.batch_p95_ms
        assert m.load_ms > 0
        assert m.images_per_second == pytest.approx(BATCH / m.batch_ms * 1000)
    assert measured[1].size_bytes == files["float32"].stat().st_size
    assert measured[0].size_bytes == size_of(files["served"]) > files["float32"].stat().st_size


@pytest.mark.slow
def test_a_worker_sees_neither_the_callers_modules_nor_its_own_folder(files, encoder, images, tmp_path, monkeypatch):
    """A file called as a module of the standard library, where the measurement was started from, changes nothing."""
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    encoder.save(tmp_path / "encoder.keras")
    kinds = {"float32": ("tflite", files["float32"]), "Keras": ("keras", tmp_path / "encoder.keras")}
    measured = measure(kinds, images / np.float32(255), threads=1, rounds=1, seconds=0.05)
    assert [m.name for m in measured] == ["float32", "Keras"]


def test_a_file_that_does_not_run_and_no_threads(files, images, tmp_path):
    (tmp_path / "bad.tflite").write_text("no model")
    with pytest.raises(ParityError, match=r"bad does not run .*is no encoder exported by byol_keras"):
        measure({"bad": ("tflite", tmp_path / "bad.tflite")}, images / np.float32(255))
    with pytest.raises(InputError, match=r"at least one thread\. Received: threads=0"):
        measure({}, images / np.float32(255), threads=0)


@pytest.mark.slow
def test_the_report_of_a_choice(encoder, files, images, tmp_path, capsys):
    labeled = (images, np.arange(24) % 2)
    parities = export.check_parity(encoder, files, images, labeled)
    measured = costs.write_costs(encoder, files, parities, images, tmp_path, threads=1)
    names = [*files, "Keras", *PEERS]
    assert [m.name for m in measured] == names
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].startswith("1 thread of ")
    assert [line.split()[0] for line in printed[3:-1]] == names
    html = (tmp_path / "report.html").read_text()
    assert all(f"<td>{name}</td>" in html for name in names)
    assert 'src="data:image/png;base64,' in html
    entries = json.loads((tmp_path / "report.json").read_text())
    assert [entry["name"] for entry in entries] == names
    assert entries[0]["images_per_second"] == measured[0].images_per_second
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_a_peer_that_does_not_run_is_skipped(files, images, tmp_path, capsys):
    (tmp_path / "bad.tflite").write_text("no model")
    kinds = {"bad": ("tflite", tmp_path / "bad.tflite"), "float32": ("tflite", files["float32"])}
    measured = measure(kinds, images / np.float32(255), threads=1, rounds=2, seconds=0.05, optional=["bad"])
    assert [m.name for m in measured] == ["float32"]
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Skipped: bad does not run in a fresh process")


def test_the_rows(encoder, files, images):
    parities = export.check_parity(encoder, {"int8": files["int8"]}, images, (images, np.arange(24) % 2))
    parities = [dataclasses.replace(parity, arena_bytes=None) for parity in parities]  # there with tflite-micro
    measured = [measurement("int8", 0.5, 8.0), measurement("Keras", 4.0, 64.0)]
    header, int8, keras = costs.measurement_rows(measured, parities)
    assert header[-1] == "20-NN (change in points)"
    assert int8[:9] == ["int8", "LiteRT 2", "1.5", "3.0", "0.50", "0.75", "8.0", "16.0", "4,000"]
    (parity,) = parities
    assert int8[9] == f"{100 * parity.knn:.1f} % ({100 * (parity.knn - parity.knn_keras):+.1f})"
    assert keras[9] == f"{100 * parity.knn_keras:.1f} %"
    measured_too = [dataclasses.replace(parity, arena_bytes=230_736)]
    header, int8, keras = costs.measurement_rows(measured, measured_too)
    assert (header[9], int8[9], keras[9]) == ("arena kB", "231", "")


def test_the_page_needs_no_other_file():
    measured = [measurement("a <b>", 0.5, 8.0)]
    text = costs_page("net", "2 threads", costs.measurement_rows(measured, []), measured)
    assert "a &lt;b&gt;" in text
    assert "<b>" not in text
    assert "net, exported: which file to ship" in text
    assert "http" not in text
    assert "$" not in text
