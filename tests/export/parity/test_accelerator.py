import ctypes
import os
from pathlib import Path

import numpy as np
import pytest

from byol_keras import export
from byol_keras.export.graph import int8_layers
from byol_keras.export.parity.accelerator import IMAGES, LEAST_COSINE, REFUSED, gpu_embeddings, gpu_found

pytest.importorskip("ai_edge_litert")

EMULATED = Path("/usr/lib/chromium/vk_swiftshader_icd.json")  # where Debian's chromium-common has it


@pytest.fixture(scope="module")
def accelerator():
    """The GPU, or SwiftShader in its place."""
    with pytest.MonkeyPatch.context() as patch:
        if "VK_ICD_FILENAMES" not in os.environ and EMULATED.exists():
            patch.setenv("VK_ICD_FILENAMES", str(EMULATED))
        gpu_found.cache_clear()
        if not gpu_found():
            gpu_found.cache_clear()
            pytest.skip("LiteRT finds no GPU: apt-get install libvulkan1 chromium-common brings an emulated one")
        yield
    gpu_found.cache_clear()


@pytest.fixture
def small_images(images):
    return images[:8, :32, :32]


@pytest.mark.parametrize("quantize", ["none", "float16", "dynamic", "int8"])
def test_files_agree_with_keras_on_the_gpu(accelerator, residual_encoder, images, small_images, tmp_path, quantize):
    path = export.tflite(residual_encoder, tmp_path / "a.tflite", quantize=quantize, calibration=images)
    embeddings = gpu_embeddings("a", path, small_images / np.float32(255))
    expected = residual_encoder(small_images / np.float32(255), training=False).numpy()[:IMAGES]
    # Seen: 0.01 in int8; 0.5 where the shortcuts are strided 1x1 convolutions.
    assert np.abs(embeddings - expected).max() < 0.05 * np.abs(expected).max()


def test_the_check_finds_what_is_wrong_on_the_gpu_alone(
    accelerator, residual_encoder, images, small_images, tmp_path, monkeypatch
):
    """The plain network has strided 1x1 convolutions; this runtime computes them wrongly, a later one may not."""
    mended = export.tflite(residual_encoder, tmp_path / "mended.tflite", quantize="int8", calibration=images)
    monkeypatch.setattr(int8_layers, "SWAPS", {})
    plain = export.tflite(residual_encoder, tmp_path / "plain.tflite", quantize="int8", calibration=images)
    good, bad = export.check_parity(residual_encoder, {"mended": mended, "plain": plain}, small_images)
    assert good.passed
    assert good.gpu > LEAST_COSINE["tflite int8"]
    assert good.gpu_tolerance == "cosine >= 0.95"
    assert "on the GPU" in export.parity_table([good, bad])
    assert bad.cosine > 0.95
    assert bad.passed == (bad.gpu >= 0.95)
    if not bad.passed:
        with pytest.raises(export.ParityError, match=r"plain .*on the GPU cosine .*, required cosine >= 0\.95"):
            export.require_parity([good, bad])


@pytest.mark.parametrize(("io", "batch"), [("uint8", 1), ("float32", 3), ("float32", None)])
def test_integers_and_batches(accelerator, residual_encoder, images, small_images, tmp_path, io, batch):
    path = export.tflite(
        residual_encoder, tmp_path / "a.tflite", quantize="int8", calibration=images, io=io, batch=batch
    )
    (parity,) = export.check_parity(residual_encoder, {"a": path}, small_images)
    assert parity.passed
    assert parity.gpu > 0.95


def test_a_file_that_does_not_run_there(residual_encoder, tmp_path):
    """Here the images have another size than the file takes."""
    path = export.tflite(residual_encoder, tmp_path / "a.tflite")
    assert gpu_embeddings("a", path, np.ones((2, 16, 16, 3), np.float32)).shape == (0, 0)


def test_without_a_gpu_nothing_is_said_of_it(residual_encoder, small_images, tmp_path, monkeypatch):
    def absent(name):
        raise OSError(name)

    gpu_found.cache_clear()
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", absent)
    try:
        path = export.tflite(residual_encoder, tmp_path / "a.tflite")
        (parity,) = export.check_parity(residual_encoder, {"a": path}, small_images)
    finally:
        gpu_found.cache_clear()
    assert (parity.gpu, parity.gpu_tolerance) == (None, "")
    assert "GPU" not in export.parity_table([parity])


def test_a_refusal_is_said_and_is_no_failure(residual_encoder, small_images, tmp_path, monkeypatch):
    from byol_keras.export.parity import comparison

    monkeypatch.setattr(comparison, "gpu_found", lambda: True)
    monkeypatch.setattr(comparison, "gpu_embeddings", lambda *_: np.empty((0, 0), np.float32))
    path = export.tflite(residual_encoder, tmp_path / "a.tflite")
    (parity,) = export.check_parity(residual_encoder, {"a": path}, small_images)
    assert (parity.gpu, parity.gpu_tolerance, parity.passed) == (None, REFUSED, True)
    assert REFUSED in export.parity_table([parity])
