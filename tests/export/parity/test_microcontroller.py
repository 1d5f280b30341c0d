import json

import numpy as np
import pytest

from byol_keras import export
from byol_keras.errors import ParityError
from byol_keras.export.parity.microcontroller import micro_arena, micro_embeddings

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def tflite_micro():
    return pytest.importorskip("tflite_micro", reason='needs pip install "byol_keras[micro]"')


@pytest.fixture
def small(images):
    """float32 (6, 32, 32, 3) in [0, 1]."""
    return images[:6, :32, :32] / np.float32(255)


@pytest.mark.parametrize("io", ["float32", "int8", "uint8"])
def test_int8_gives_what_litert_gives(tflite_micro, residual_encoder, images, small, tmp_path, io):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize="int8", calibration=images, io=io)
    embeddings, arena = micro_embeddings(path, small)
    kernels = interpreter.OpResolverType.BUILTIN_REF
    model = interpreter.Interpreter(str(path), experimental_op_resolver_type=kernels)
    signature = model.get_signature_runner("serving_default")
    if io == "float32":
        expected = np.concatenate([signature(images=image[None])["embedding"] for image in small])
    else:
        scale, zero_point = signature.get_output_details()["embedding"]["quantization"]
        shift = {"int8": -128, "uint8": 0}[io]
        pixels = (np.round(small * 255) + shift).astype(io)
        numbers = np.concatenate([signature(images=image[None])["embedding"] for image in pixels])
        expected = np.float32(scale) * (numbers.astype(np.float32) - zero_point)
    np.testing.assert_array_equal(embeddings, expected)
    # The largest two tensors that are there at once, 32 by 32 by 16 and 16 by 16 by 32 in int8, and what goes with it.
    assert 32 * 32 * 16 + 16 * 16 * 32 < arena < 100_000


def test_the_arena_is_in_the_description_and_in_the_table(tflite_micro, residual_encoder, images, tmp_path):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize="int8", calibration=images)
    described = json.loads((tmp_path / "a.tflite.json").read_text())["microcontroller"]
    assert described["measured_with"].startswith("tflite-micro ")
    _, arena = micro_embeddings(path, np.empty((0, 32, 32, 3), np.float32))
    assert described["arena_bytes"] == arena
    (parity,) = export.check_parity(residual_encoder, {"a": path}, images[:, :32, :32])
    assert parity.arena_bytes == arena
    header, row = export.parity_table([parity]).splitlines()
    assert "arena kB" in header
    assert f" {arena / 1000:.0f} " in row


@pytest.mark.parametrize("quantize", ["float16", "dynamic"])
def test_hybrid_files_are_refused(tflite_micro, residual_encoder, small, tmp_path, quantize):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize=quantize)
    with pytest.raises(ParityError, match="does not run in a fresh process"):
        micro_embeddings(path, small)
    assert "microcontroller" not in json.loads((tmp_path / "a.tflite.json").read_text())


def test_float32_runs_there_too(tflite_micro, residual_encoder, small, tmp_path):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite")
    embeddings, _ = micro_embeddings(path, small)
    expected = residual_encoder(small, training=False).numpy()
    assert np.abs(embeddings - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_file_that_does_not_run_has_no_arena(tflite_micro, residual_encoder, tmp_path):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize="dynamic")
    assert micro_arena(path.read_bytes(), (1, 32, 32, 3))["arena_bytes"] is None


def test_a_free_batch_is_one_image(tflite_micro, residual_encoder, images, tmp_path):
    described = []
    for batch in (1, None):
        export.tflite(residual_encoder, tmp_path / "a.tflite", quantize="int8", calibration=images, batch=batch)
        described.append(json.loads((tmp_path / "a.tflite.json").read_text())["microcontroller"]["arena_bytes"])
    one, free = described
    assert one <= free < 1.2 * one


def test_without_tflite_micro_nothing_is_said_of_it(residual_encoder, images, tmp_path, monkeypatch):
    monkeypatch.setattr("byol_keras.export.parity.microcontroller.has_extra", lambda *_: False)
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize="int8", calibration=images)
    assert "microcontroller" not in json.loads((tmp_path / "a.tflite.json").read_text())
    (parity,) = export.check_parity(residual_encoder, {"a": path}, images[:, :32, :32])
    assert parity.arena_bytes is None
    assert "arena" not in export.parity_table([parity])
