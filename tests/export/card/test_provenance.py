"""What exported files say of themselves, read back in processes that know nothing of this package."""

import hashlib
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras import __version__, export
from byol_keras.errors import InputError
from byol_keras.models.fingerprint import fingerprint

TRAINING = {"run": "photos", "checksum": "c0ffee", "recipe": {"epochs": 3}, "seed": 7, "source": "photos"}
TRAINING |= {"image_count": 1234, "excluded": 0, "start_from": None, "legs": [], "trained_with": {"keras": "3"}}


def read(path, key=""):
    """A JSON file as another program reads it: in a fresh process, without this package."""
    code = "import json, sys; print(json.dumps(json.load(open(sys.argv[1], encoding='utf-8'))))"
    process = subprocess.run([sys.executable, "-I", "-c", code, path], capture_output=True, text=True, check=True)
    content = json.loads(process.stdout)
    return content[key] if key else content


@pytest.fixture(scope="module")
def facts(encoder):
    return export.provenance_of(encoder, TRAINING, license="cc-by-4.0")


def test_the_facts(encoder, facts):
    assert facts["made_by"] == {
        "byol_keras": __version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
    }
    assert facts["license"] == "cc-by-4.0"
    assert facts["training"] == TRAINING
    digest = hashlib.sha256(repr((None, 32, 32, 3)).encode())
    for weight in encoder.get_weights():
        digest.update(f"{weight.shape} {weight.dtype}".encode() + weight.tobytes())
    assert facts["encoder"]["fingerprint"] == digest.hexdigest()
    assert facts["encoder"]["input"] == [32, 32, 3]
    assert facts["encoder"]["parameters"] == sum(weight.size for weight in encoder.get_weights())
    assert facts["preprocessing"]["normalization"]["mean"] == pytest.approx([0.45] * 3)
    bare = export.provenance_of(encoder)
    assert (bare["license"], bare["training"]) == ("not stated", None)


@pytest.mark.parametrize("license", ["", "  ", "a\nb"])
def test_a_license_is_a_name(encoder, license):
    with pytest.raises(InputError, match=r"A license is a name in one line, such as .*Received: license="):
        export.provenance_of(encoder, license=license)


def test_a_saved_model_has_them_inside(encoder, facts, tmp_path):
    head = export.LinearHead(np.ones((48, 2)), np.zeros(2), ("a", "b"), fingerprint(encoder))
    index = export.NeighborIndex(["x.jpg"], np.ones((1, 48)), fingerprint(encoder))
    path = export.saved_model(encoder, tmp_path / "1", head=head, index=index, provenance=facts)
    said = read(path / "assets.extra" / "provenance.json")
    assert said.pop("classes") == {"names": ["a", "b"], "encoder": fingerprint(encoder)}
    assert said.pop("neighbors") == {"images": 1, "encoder": fingerprint(encoder)}
    assert said == facts


def test_without_any_the_encoder_tells_what_it_knows(encoder, tmp_path):
    path = export.saved_model(encoder, tmp_path / "1")
    assert read(path / "assets.extra" / "provenance.json") == export.provenance_of(encoder)
    assert "| training | not known |" in (path / "assets.extra" / "README.md").read_text()


def test_a_tflite_file_has_them_beside(encoder, facts, tmp_path):
    pytest.importorskip("ai_edge_litert")
    path = export.tflite(encoder, tmp_path / "encoder.tflite", provenance=facts)
    assert read(tmp_path / "encoder.tflite.json", "provenance") == facts
    assert read(tmp_path / "encoder.tflite.json", "sha256") == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("write", "name", "packages"),
    [(export.onnx, "a.onnx", ("tf2onnx", "onnxruntime")), (export.openvino, "a.xml", ("openvino",))],
)
def test_other_formats_have_them_beside(encoder, facts, tmp_path, write, name, packages):
    for package in packages:
        pytest.importorskip(package)
    path = write(encoder, tmp_path / name, provenance=facts)
    said = read(tmp_path / f"{name}.json")
    assert said["provenance"] == facts
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


ONNX = "import onnx; print({p.key: p.value for p in onnx.load(sys.argv[1]).metadata_props}['provenance'])"
OPENVINO = "import openvino; print(openvino.Core().read_model(sys.argv[1]).get_rt_info('provenance').astype(str))"


@pytest.mark.parametrize(
    ("write", "name", "packages", "code"),
    [
        (export.onnx, "a.onnx", ("tf2onnx", "onnxruntime"), ONNX),
        (export.openvino, "a.xml", ("openvino",), OPENVINO),
    ],
)
def test_other_formats_have_them_inside(encoder, facts, tmp_path, write, name, packages, code):
    for package in packages:
        pytest.importorskip(package)
    path = write(encoder, tmp_path / name, provenance=facts)
    code = f"import sys; sys.modules['tensorflow'] = None; {code}"
    process = subprocess.run([sys.executable, "-I", "-c", code, path], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == facts


def test_the_facts_of_another_encoder_are_refused(make_encoder, facts, tmp_path):
    other = make_encoder(seed=1)
    message = f"of encoder {facts['encoder']['fingerprint'][:12]}, this is {fingerprint(other)[:12]}"
    for write, name in ((export.saved_model, "1"), (export.tflite, "a.tflite")):
        with pytest.raises(InputError, match=message):
            write(other, tmp_path / name, provenance=facts)
    assert not list(tmp_path.iterdir())


def test_a_core_ml_package_is_for_images_of_8_bits(encoder, tmp_path):
    facts = export.provenance_of(encoder, {"value_range": [-1024, 3071]})
    with pytest.raises(InputError, match=r"takes images of 8 bits.*value_range -1024 to 3071"):
        export.coreml(encoder, tmp_path / "a.mlpackage", facts)
