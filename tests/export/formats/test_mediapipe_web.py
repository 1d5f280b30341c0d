"""@mediapipe/tasks-vision in a headless browser."""

import numpy as np
import pytest
from PIL import Image

from byol_keras import export

from ...browser import find_browser, open_browser
from ...file_server import serve_files
from .mediapipe_web import PACKAGE, mediapipe_embeddings, write_mediapipe_page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_browser() is None, reason="needs a Chromium"),
    pytest.mark.skipif(not PACKAGE.is_dir(), reason="needs @mediapipe/tasks-vision: make test-clients"),
]

FORMATS = {
    "none": ({}, 1e-5),
    "free": ({"batch": None}, 1e-5),
    "float16": ({"quantize": "float16"}, 0.01),
    "dynamic": ({"quantize": "dynamic"}, 0.05),
    "int8": ({"quantize": "int8"}, 0.1),
    "uint8": ({"quantize": "int8", "io": "uint8"}, 0.1),
}


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path / "profile") as opened:
        yield opened


@pytest.fixture
def address(tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    write_mediapipe_page(folder)
    with serve_files(folder) as found:
        yield found


def test_the_embedder_gives_what_keras_gives(encoder, images, make_images, browser, address, tmp_path):
    wide = make_images(4, 32, 56)  # the central square is as large as the encoder's images
    names = [f"{i}.png" for i in range(len(wide))]
    for name, image in zip(names, wide, strict=True):
        Image.fromarray(image).save(tmp_path / "page" / name)
    expected = encoder(wide[:, :, 12:44] / np.float32(255), training=False).numpy()
    for kind, (options, tolerance) in FORMATS.items():
        export.tflite(encoder, tmp_path / "page" / f"{kind}.tflite", calibration=images, **options)
        found = mediapipe_embeddings(browser, address, f"{kind}.tflite", names, (12 / 56, 0, 44 / 56, 1))
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() < tolerance * np.abs(expected).max(), kind


def test_a_gray_encoder_is_refused(make_encoder, browser, address, tmp_path):
    export.tflite(make_encoder(channels=1), tmp_path / "page" / "gray.tflite")
    with pytest.raises(AssertionError, match="Only RGB"):
        mediapipe_embeddings(browser, address, "gray.tflite", [])
