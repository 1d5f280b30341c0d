"""Core ML packages, which only a Mac runs: here what is in them is read."""

import importlib.util
import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from byol_keras import export
from byol_keras.errors import InputError

WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture(scope="module")
def coremltools():
    return pytest.importorskip("coremltools", reason='needs pip install "byol_keras[coreml]"')


def test_what_is_in_the_package(coremltools, residual_encoder, tmp_path):
    path = export.coreml(residual_encoder, tmp_path / "encoder.mlpackage")
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    model = coremltools.utils.load_spec(str(path))
    assert json.loads(model.description.metadata.userDefined["provenance"]) == export.provenance_of(residual_encoder)
    (source,), (result,) = model.description.input, model.description.output
    assert (source.name, result.name) == ("images", "embedding")
    image = source.type.imageType
    assert (image.width, image.height) == (32, 32)
    assert image.colorSpace == image.ColorSpace.Value("RGB")
    assert list(result.type.multiArrayType.shape) == [1, 64]
    (block,) = model.mlProgram.functions["main"].block_specializations.values()
    kinds = [operation.type for operation in block.operations]
    # Batch norm is folded: five convolutions, three ReLUs, and nothing that normalizes but the division by 255.
    assert kinds.count("conv") == 5
    assert kinds.count("relu") == 3
    assert "batch_norm" not in kinds
    kernels = 2 * sum(np.prod(w.shape) for w in residual_encoder.weights if len(w.shape) == 4)
    assert kernels < (path / WEIGHTS).stat().st_size < 1.1 * kernels  # float16


def test_gray_and_not_square(coremltools, make_encoder, tmp_path):
    path = export.coreml(make_encoder(size=(24, 40), channels=1), tmp_path / "a.mlpackage")
    spec = coremltools.utils.load_spec(str(path))
    image = spec.description.input[0].type.imageType
    assert (image.width, image.height) == (40, 24)
    assert image.colorSpace == image.ColorSpace.Value("GRAYSCALE")


def test_nothing_is_printed(coremltools, encoder, tmp_path):
    """In a process of its own, where all that is printed goes where coremltools sends it."""
    encoder.save(tmp_path / "a.keras")
    code = "import sys, keras, byol_keras as bk; encoder = keras.models.load_model(sys.argv[1]); "
    code += "print('begin', file=sys.stderr, flush=True); bk.export.coreml(encoder, sys.argv[2])"
    command = [sys.executable, "-c", code, tmp_path / "a.keras", tmp_path / "a.mlpackage"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (process.stdout, process.stderr.partition("begin\n")[2].strip()) == ("", "")


def test_bad_input(coremltools, encoder, make_encoder, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"must end in \.mlpackage\. Received: path="):
        export.coreml(encoder, tmp_path / "encoder")
    (tmp_path / "a.mlpackage").mkdir()
    with pytest.raises(InputError, match="exists already"):
        export.coreml(encoder, tmp_path / "a.mlpackage")
    (tmp_path / "a.mlpackage").rmdir()
    with pytest.raises(InputError, match=r"one size.*Received: encoder=small with input \(B, None, None, 3\)"):
        export.coreml(make_encoder(size=(None, None)), tmp_path / "a.mlpackage")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(keras.ops.erfinv, output_shape=lambda shape: shape)(inputs)
    odd = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(InputError, match=r"cannot convert the encoder.*Erfinv"):
        export.coreml(odd, tmp_path / "a.mlpackage")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "byol_keras\[coreml\]"'):
        export.coreml(encoder, tmp_path / "a.mlpackage")
    assert not list(tmp_path.iterdir())
