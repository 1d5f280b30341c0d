"""ONNX and OpenVINO, each checked against Keras in a process without TensorFlow."""

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras import export
from byol_keras.errors import InputError

NEEDED = {"onnx": ("tf2onnx", "onnxruntime"), "openvino": ("openvino",)}
SUFFIX = {"onnx": ".onnx", "openvino": ".xml"}


def write(kind, encoder, path):
    for package in NEEDED[kind]:
        pytest.importorskip(package)
    return getattr(export, kind)(encoder, path)


@pytest.mark.parametrize("kind", list(NEEDED))
def test_the_file_gives_what_keras_gives(kind, encoder, images, tmp_path):
    path = write(kind, encoder, tmp_path / f"encoder{SUFFIX[kind]}")
    (parity,) = export.check_parity(encoder, {"a": path}, images)
    assert parity.format == kind
    assert parity.passed
    assert parity.largest < 1e-4
    assert parity.size_bytes > 4 * encoder.count_params()
    expected = {"encoder.onnx"} if kind == "onnx" else {"encoder.xml", "encoder.bin"}
    assert {file.name for file in tmp_path.iterdir()} == {*expected, f"{path.name}.json"}


@pytest.mark.parametrize("kind", list(NEEDED))
def test_another_encoder_does_not_pass(kind, encoder, make_encoder, images, tmp_path):
    path = write(kind, make_encoder(seed=1), tmp_path / f"encoder{SUFFIX[kind]}")
    (parity,) = export.check_parity(encoder, {"a": path}, images)
    assert not parity.passed


@pytest.mark.parametrize("kind", list(NEEDED))
def test_an_existing_file_is_replaced(kind, encoder, make_encoder, images, tmp_path):
    path = tmp_path / f"encoder{SUFFIX[kind]}"
    for each in (make_encoder(seed=1), encoder):
        write(kind, each, path)
    (parity,) = export.check_parity(encoder, {"a": path}, images)
    assert parity.passed


@pytest.mark.parametrize("half_precision", ["mixed_bfloat16"], indirect=True)
def test_a_half_precision_encoder_is_exported_in_float32(half_precision, make_encoder, images, tmp_path):
    encoder = make_encoder()
    path = write("onnx", encoder, tmp_path / "encoder.onnx")
    (parity,) = export.check_parity(encoder, {"a": path}, images)
    assert parity.passed


@pytest.mark.parametrize("kind", list(NEEDED))
def test_bad_input(kind, encoder, tmp_path, monkeypatch):
    function, suffix = getattr(export, kind), SUFFIX[kind]
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=rf"must end in \{suffix}\. Received: path="):
        function(encoder, tmp_path / "encoder")
    with pytest.raises(InputError, match="is a folder"):
        function(encoder, tmp_path / f"folder{suffix}")
    for package in NEEDED[kind]:
        pytest.importorskip(package)
    with pytest.raises(InputError, match="is not a folder"):
        function(encoder, tmp_path / "file" / f"a{suffix}")
    vector = keras.Input((5,))
    with pytest.raises(InputError, match="one batch of images"):
        function(keras.Model(vector, keras.layers.Dense(2)(vector)), tmp_path / f"a{suffix}")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf'pip install "byol_keras\[{kind}\]"'):
        function(encoder, tmp_path / f"a{suffix}")
    assert {path.name for path in tmp_path.iterdir()} == {f"folder{suffix}", "file"}


@pytest.mark.parametrize("kind", list(NEEDED))
def test_the_check_says_which_runtime_is_missing(kind, encoder, tmp_path, monkeypatch):
    path = tmp_path / f"a{SUFFIX[kind]}"
    path.touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=rf'of the format {kind} needs .*pip install "byol_keras\[{kind}\]"'):
        export.check_parity(encoder, {"a": path}, np.zeros((2, 32, 32, 3), np.uint8))


def test_an_operation_that_onnx_has_not_is_named(tmp_path):
    pytest.importorskip("tf2onnx")
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda images: tf.raw_ops.Betainc(a=images + 1, b=images + 1, x=images))(inputs)
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    with pytest.raises(InputError, match=r"operations that ONNX has not: Betainc\. .*Received: operations="):
        export.onnx(encoder, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())
