"""The SavedModel in TensorFlow's C API, which is what TensorFlow Serving runs on: no Python of TensorFlow, no Keras."""

import io

import numpy as np
import pytest
from PIL import Image

from byol_keras import export

from .c_client import call


@pytest.fixture(scope="module")
def exported(encoder, tmp_path_factory):
    rng = np.random.default_rng(0)
    head = export.LinearHead(rng.normal(size=(48, 3)), np.zeros(3), ("cat", "dog", "Füchse"))
    index = export.NeighborIndex([f"{i}.jpg" for i in range(9)], rng.normal(size=(9, 48)))
    return export.saved_model(encoder, tmp_path_factory.mktemp("c") / "1", head=head, index=index)


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_every_signature_answers(exported, encoder, make_images, tmp_path):
    images = make_images(3, 32, 32)
    files = [png(image) for image in images]
    arrays, strings, classes, near = call(
        exported,
        tmp_path,
        ("serving_default", images),
        ("serve_bytes", files),
        ("classify", files),
        ("neighbors", files),
    )
    reference = encoder(images / np.float32(255), training=False).numpy()
    for outputs in (arrays, strings):
        np.testing.assert_allclose(outputs["embedding"], reference, atol=1e-5 * np.abs(reference).max())
        np.testing.assert_allclose(np.linalg.norm(outputs["embedding_normalized"], axis=1), 1, rtol=1e-5)
    assert all(outputs["valid"].tolist() == [True] * 3 for outputs in (strings, classes, near))
    assert {tuple(sorted(row)) for row in classes["labels"]} == {("Füchse", "cat", "dog")}
    np.testing.assert_allclose(classes["scores"].sum(axis=1), 1, rtol=1e-5)
    assert near["names"].shape == near["similarities"].shape == (3, 5)
    assert set(near["names"].ravel()) <= {f"{i}.jpg" for i in range(9)}


def test_bad_input_gives_a_message_and_the_session_goes_on(exported, make_images, tmp_path):
    good = png(make_images(1, 32, 32)[0])
    answers = call(
        exported,
        tmp_path,
        ("serving_default", np.zeros((32, 32, 3), np.uint8)),
        ("serving_default", np.zeros((2, 32, 32, 1), np.uint8)),
        ("serving_default", np.zeros((2, 32, 32, 3), np.float32)),
        ("serving_default", np.zeros((0, 32, 32, 3), np.uint8)),
        ("serve_bytes", [good, b"", good[: len(good) // 2], b"\xff\xd8\xff\xe0\x00\x10JFIF", good]),
        ("classify", [b"", good]),
        ("neighbors", [b"", good]),
        ("serve_bytes", []),
        ("serve_bytes", [good]),
    )
    rank, channels, dtype, empty, mixed, classes, near, none, last = answers
    assert "[32,32,3] is not compatible with expected shape [?,?,?,3]" in rank
    assert "[2,32,32,1] is not compatible" in channels
    assert "uint8" in dtype
    assert "float" in dtype
    assert mixed["valid"].tolist() == [True, False, False, False, True]
    assert not mixed["embedding"][1:4].any()
    np.testing.assert_allclose(mixed["embedding"][[0, 4]], last["embedding"][[0, 0]], rtol=1e-5)
    assert classes["valid"].tolist() == near["valid"].tolist() == [False, True]
    assert classes["labels"][0].tolist() == [""] * 3
    assert near["names"][0].tolist() == [""] * 5
    assert classes["scores"][1].sum() == pytest.approx(1)
    assert none["valid"].shape == (0,)
    assert empty["embedding"].shape == none["embedding"].shape == (0, 48)
    assert last["embedding"].shape == (1, 48)
    assert np.isfinite(last["embedding"]).all()


def test_a_strict_one_gives_a_message_and_the_session_goes_on(encoder, make_images, tmp_path):
    good = png(make_images(1, 32, 32)[0])
    path = export.saved_model(encoder, tmp_path / "1", strict=True)
    zero_bytes, cut, head, last = call(
        path,
        tmp_path,
        ("serve_bytes", [good, b""]),
        ("serve_bytes", [good[: len(good) // 2]]),
        ("serve_bytes", [b"\xff\xd8\xff\xe0\x00\x10JFIF"]),
        ("serve_bytes", [good]),
    )
    assert "neither JPEG nor PNG. Received: index] [1] [bytes] [0]" in zero_bytes
    assert "Invalid PNG data" in cut
    assert "Invalid JPEG data" in head
    assert last["valid"].tolist() == [True]
