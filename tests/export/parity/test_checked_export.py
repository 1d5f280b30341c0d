"""Exports that get their place only when they give what Keras gives."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras import export
from byol_keras.errors import InputError, ParityError
from byol_keras.models.fingerprint import fingerprint


class Noise(keras.layers.Layer):
    """Never gives the same twice, so no file can agree with it."""

    def call(self, inputs):
        return inputs + tf.random.uniform(tf.shape(inputs))


@pytest.fixture(scope="module")
def noisy():
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, Noise()(keras.layers.GlobalAveragePooling2D()(inputs)))


def test_a_saved_model_that_agrees_gets_its_place(encoder, make_images, tmp_path):
    (tmp_path / "photos").mkdir()
    for i, image in enumerate(make_images(4, 40, 56, seed=1)):
        Image.fromarray(image).save(tmp_path / "photos" / f"{i}.png")
    head = export.LinearHead(np.random.default_rng(0).normal(size=(48, 2)), [0, 0], ("a", "b"), fingerprint(encoder))
    path = tmp_path / "serving" / "encoder" / "1"
    parity = export.checked(export.saved_model, encoder, path, tmp_path / "photos", head=head)
    assert (parity.artifact, parity.format, parity.passed) == ("encoder/1", "saved_model", True)
    assert parity.predictions < 1e-3
    assert [entry.name for entry in path.parent.iterdir()] == ["1"]
    assert set(tf.saved_model.load(path).signatures) == {"serving_default", "serve_bytes", "classify"}
    warm_up = path / "assets.extra" / "tf_serving_warmup_requests"
    assert not warm_up.exists() or b"encoder" in warm_up.read_bytes()
    with pytest.raises(InputError, match=r"This version exists already.*encoder/2\. Received"):
        export.checked(export.saved_model, encoder, path, tmp_path / "photos")


def test_one_that_differs_gets_none(noisy, images, tmp_path):
    with pytest.raises(ParityError, match=r"Exported files differ from Keras.*encoder/1"):
        export.checked(export.saved_model, noisy, tmp_path / "encoder" / "1", images)
    assert list((tmp_path / "encoder").iterdir()) == []


def test_a_tflite_file_comes_with_its_description(encoder, make_encoder, images, tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    export.checked(export.tflite, encoder, "a.tflite", images, quantize="float16")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tflite", "a.tflite.json"]
    assert json.loads((tmp_path / "a.tflite.json").read_text())["quantization"] == "float16"
    before = (tmp_path / "a.tflite").read_bytes()
    with pytest.raises(InputError, match=r"images must be uint8 .N, H, W, 3.*Received: images=float32"):
        export.checked(export.tflite, make_encoder(seed=1), "a.tflite", images / np.float32(255))
    assert (tmp_path / "a.tflite").read_bytes() == before
    free = make_encoder(size=(24, 40))
    with pytest.raises(InputError, match=r"pass the images as an array.*Received: images='photos'"):
        export.checked(export.tflite, free, "b.tflite", "photos")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tflite", "a.tflite.json"]


@pytest.mark.parametrize("of", ["array", "folder"])
def test_an_encoder_of_any_size_is_compared_at_the_size_it_is_served_with(of, make_encoder, make_images, tmp_path):
    images = make_images(8, 48, 48, seed=1)
    if of == "folder":
        for i, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / f"{i}.png")
        images = tmp_path
    encoder, path = make_encoder(size=(None, None)), tmp_path / "encoder" / "1"
    assert export.checked(export.saved_model, encoder, path, images, image_size=32).passed
    facts = json.loads((path / "assets.extra" / "provenance.json").read_text())
    assert facts["encoder"]["input"] == [32, 32, 3]
    assert facts["preprocessing"]["resize"] == "central square, bicubic, antialiased"
    assert "of 32 by 32 pixels" in (path / "assets.extra" / "README.md").read_text()


def test_images_are_read_in_the_range_of_the_run(make_encoder, make_images, tmp_path):
    pytest.importorskip("ai_edge_litert")
    for i, image in enumerate(make_images(12, 32, 32, channels=1)):
        Image.fromarray(image[..., 0].astype(np.uint16) * 16).save(tmp_path / f"{i:02}.png")
    encoder = make_encoder(channels=1)
    facts = export.provenance_of(encoder, {"value_range": [0, 4095], "results": []})
    arguments = {"quantize": "int8", "calibration": tmp_path, "provenance": facts}
    assert export.checked(export.tflite, encoder, tmp_path / "a.tflite", tmp_path, **arguments).passed
    # Read by their high 8 bits they are all but black, and the ranges that int8 learns a sixteenth.
    values = np.stack([np.asarray(Image.open(path)) for path in sorted(tmp_path.glob("*.png"))])[..., None]
    pixels = np.round(values / 4095 * 255).astype(np.uint8)
    export.tflite(encoder, tmp_path / "b.tflite", **arguments | {"calibration": pixels})
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes()


def test_a_path_that_cannot_be_written_is_said_before_the_work(encoder, images, tmp_path):
    (tmp_path / "ship").mkdir()
    with pytest.raises(InputError, match="ship is a folder: name a file in it"):
        export.checked(export.tflite, encoder, tmp_path / "ship", images)
