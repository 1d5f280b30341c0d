import importlib.util
import json
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.export.parity import comparison
from byol_keras.export.parity.comparison import TOLERANCE
from byol_keras.export.parity.parity import write_parity

RUNNERS = Path(comparison.__file__).parent / "runners"

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def artifacts(encoder, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    paths = {"served": export.saved_model(encoder, folder / "serving" / "1")}
    for quantize in ("none", "float16", "dynamic", "int8"):
        calibration = images if quantize == "int8" else None
        path = folder / f"{quantize}.tflite"
        paths[f"device {quantize}"] = export.tflite(encoder, path, quantize=quantize, calibration=calibration)
    return paths


@pytest.fixture(scope="module")
def parities(encoder, artifacts, images):
    return export.check_parity(encoder, artifacts, images)


def outcome(embedding):
    return {"embedding": embedding, "load_ms": np.array(1.0), "latency_ms": np.array(2.0)}


def test_every_format_agrees_with_keras_in_a_fresh_process(parities, artifacts):
    assert [parity.artifact for parity in parities] == list(artifacts)
    others = ("onnx", "openvino")  # see test_keras_formats.py
    assert [parity.format for parity in parities] == [kind for kind in TOLERANCE if kind not in others]
    assert all(parity.passed for parity in parities)
    assert all(0 <= parity.mean <= parity.largest for parity in parities)
    assert all(parity.load_ms > 0 and parity.latency_ms > 0 for parity in parities)
    by_format = {parity.format: parity for parity in parities}
    # The figures are of the files they stand for: coarser numbers differ more, and none is exact by accident.
    assert by_format["saved_model"].largest < 1e-5
    assert by_format["tflite none"].largest < 1e-5
    assert 1e-5 < by_format["tflite float16"].largest < by_format["tflite dynamic"].largest
    assert by_format["tflite int8"].cosine < by_format["tflite float16"].cosine <= 1.00001
    assert by_format["tflite none"].size_bytes == artifacts["device none"].stat().st_size
    assert by_format["saved_model"].tolerance == "largest <= 0.0001"
    assert by_format["tflite int8"].tolerance == "cosine >= 0.95"
    export.require_parity(parities)


def test_the_table_and_the_json(parities, tmp_path):
    lines = export.parity_table(parities).splitlines()
    assert len(lines) == 1 + len(parities)
    column = lines[0].index("passed")
    assert {line[column:] for line in lines[1:]} == {"yes"}
    path = write_parity(parities, tmp_path / "parity.json")
    entries = json.loads(path.read_text())
    assert [entry["artifact"] for entry in entries] == [parity.artifact for parity in parities]
    assert entries[0]["largest"] == parities[0].largest
    assert list(tmp_path.iterdir()) == [path]


def test_another_encoder_does_not_pass(make_encoder, artifacts, images, tmp_path):
    chosen = {name: artifacts[name] for name in ("served", "device none", "device int8")}
    parities = export.check_parity(make_encoder(seed=1), chosen, images)
    assert [parity.passed for parity in parities] == [False] * 3
    with pytest.raises(export.ParityError, match=r"differ.*served.*device none.*device int8.*cosine >= 0.95"):
        export.require_parity(parities)
    assert export.parity_table(parities).count("NO") == 3


@pytest.mark.parametrize("half_precision", ["mixed_bfloat16"], indirect=True)
def test_a_half_precision_encoder_is_compared_as_its_float32_copy(half_precision, make_encoder, images, tmp_path):
    encoder = make_encoder()
    (parity,) = export.check_parity(encoder, {"device": export.tflite(encoder, tmp_path / "a.tflite")}, images)
    assert parity.largest < 1e-5


@pytest.mark.parametrize("kind", ["tflite dynamic", "tflite int8"])
def test_embeddings_of_the_wrong_images_do_not_pass(tmp_path, kind):
    """Behind a ReLU all embeddings point the same way; what tells images apart must agree."""
    reference = np.random.default_rng(0).uniform(0.9, 1.1, (16, 64)).astype("float32")
    wrong = np.roll(reference, 1, axis=0)
    plain = (wrong * reference).sum(1) / np.linalg.norm(wrong, axis=1) / np.linalg.norm(reference, axis=1)
    assert plain.mean() > 0.99
    path = tmp_path / "a.tflite"
    path.touch()
    assert not comparison.compare_embeddings("a", kind, path, outcome(wrong), reference).passed
    assert comparison.compare_embeddings("a", kind, path, outcome(reference + 0.001), reference).passed


def test_the_differences_are_relative_to_the_largest_value(tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(b"12345")
    reference = np.array([[0.0, 1.0], [-4.0, 2.0]], "float32")
    parity = comparison.compare_embeddings(
        "a", "tflite none", path, outcome(reference + np.float32([[0, 0], [0.4, 0]])), reference
    )
    assert parity.largest == pytest.approx(0.1)
    assert parity.mean == pytest.approx(0.025)
    assert (parity.size_bytes, parity.load_ms, parity.latency_ms, parity.passed) == (5, 1.0, 2.0, False)


def test_values_that_are_not_finite_do_not_pass(tmp_path):
    path = tmp_path / "a.tflite"
    path.touch()
    path.with_suffix(".bin").touch()  # where OpenVINO has the weights
    reference = np.eye(4, dtype="float32")
    for kind in TOLERANCE:
        parity = comparison.compare_embeddings(
            "a", kind, path, outcome(np.where(reference == 1, np.nan, reference)), reference
        )
        assert parity.largest == math.inf
        assert not parity.passed
    (entry,) = json.loads(write_parity([parity], tmp_path / "parity.json").read_text())
    assert entry["largest"] is None


def test_embeddings_of_another_size_are_an_error(tmp_path):
    three, four = np.ones((4, 3), "float32"), np.eye(4, dtype="float32")
    with pytest.raises(export.ParityError, match=r"gives embeddings \(4, 3\), Keras gives \(4, 4\)"):
        comparison.compare_embeddings("a", "tflite none", tmp_path, outcome(three), four)


def test_a_file_that_does_not_run(artifacts, encoder, images, make_encoder, tmp_path):
    path = export.tflite(make_encoder(size=(24, 24)), tmp_path / "a.tflite")
    with pytest.raises(export.ParityError, match=r"does not run.*must be float32 \(N, 24, 24, 3\)"):
        export.check_parity(encoder, {"device": path}, images)


def test_wrong_arguments(encoder, artifacts, images, tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("no model at all")
    for path, message in ((tmp_path / "absent", "neither a SavedModel"), (tmp_path / "a.txt", "not a .tflite file")):
        with pytest.raises(InputError, match=message):
            export.check_parity(encoder, {"a": path}, images)
    for wrong in (images / np.float32(255), images[0], images[:1], images[..., :1]):
        with pytest.raises(InputError, match=r"must be uint8 \(N, H, W, 3\), N from 2\. Received: images="):
            export.check_parity(encoder, artifacts, wrong)
    with pytest.raises(InputError, match="every image the same embedding"):
        export.check_parity(encoder, artifacts, np.repeat(images[:1], 3, axis=0))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "byol_keras\[tflite\]"'):
        export.check_parity(encoder, artifacts, images)


def run(code, *arguments):
    return subprocess.run([sys.executable, "-I", "-c", code, *map(str, arguments)], capture_output=True, text=True)


def test_the_tflite_runner_refuses_to_pass_where_tensorflow_was_imported(artifacts, images, tmp_path):
    np.save(tmp_path / "images.npy", images[:2, :32, :32] / np.float32(255))
    code = "import runpy, sys, types; sys.modules['keras'] = types.ModuleType('keras'); sys.argv = sys.argv[1:]; "
    code += "runpy.run_path(sys.argv[0], run_name='__main__')"
    arguments = (artifacts["device none"], tmp_path / "images.npy", tmp_path / "out.npz")
    process = run(code, RUNNERS / "run_tflite.py", *arguments)
    assert process.returncode == 1
    assert "must run without keras" in process.stderr
    assert not (tmp_path / "out.npz").exists()


def test_the_saved_model_runner_has_no_keras(artifacts, images, tmp_path):
    np.save(tmp_path / "images.npy", images[:2])
    code = "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')\n"
    code += "for name in ('keras', 'keras.layers', 'tf_keras', 'byol_keras'):\n"
    code += "    try: __import__(name); sys.exit(name + ' was imported')\n"
    code += "    except ImportError: pass\n"
    arguments = (artifacts["served"], tmp_path / "images.npy", tmp_path / "out.npz")
    process = run(code, RUNNERS / "run_saved_model.py", *arguments)
    assert process.returncode == 0, process.stderr
    with np.load(tmp_path / "out.npz") as out:
        assert out["embedding"].shape == (2, 48)


def test_a_runner_says_how_it_is_used():
    process = subprocess.run([sys.executable, "-P", RUNNERS / "run_tflite.py"], capture_output=True, text=True)
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == "usage: python -P run_tflite.py MODEL IMAGES.npy OUT.npz"


@pytest.mark.slow
def test_a_network_of_keras_applications(make_images, tmp_path):
    keras.utils.set_random_seed(0)
    encoder = keras.applications.MobileNetV2(
        (96, 96, 3), alpha=0.35, weights=None, include_top=False, pooling="avg", name="mobilenet"
    )
    images = make_images(16, 120, 100)
    artifacts = {
        "served": export.saved_model(encoder, tmp_path / "1"),
        "float32": export.tflite(encoder, tmp_path / "float32.tflite"),
        "float16": export.tflite(encoder, tmp_path / "float16.tflite", quantize="float16"),
    }
    assert all(parity.passed for parity in export.check_parity(encoder, artifacts, images))
