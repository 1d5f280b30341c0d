import dataclasses
import importlib
import json

import numpy as np
import pytest
from PIL import Image

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.evaluation import probabilities
from byol_keras.export.device.byol_device import DeviceError, Encoder
from byol_keras.export.parity.predictions import allowed_distance, prediction_distance

HEAD = export.LinearHead(np.eye(3), np.zeros(3), ("cat", "dog", "Füchse"))


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(0)
    return export.LinearHead(rng.normal(size=(48, 3)), np.zeros(3), ("cat", "dog", "Füchse"))


@pytest.fixture(scope="module")
def artifacts(encoder, head, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classifiers")
    paths = {"served": export.saved_model(encoder, folder / "classifier" / "1", head=head)}
    for quantize in ("none", "int8"):
        path = folder / f"{quantize}.tflite"
        paths[quantize] = export.tflite(encoder, path, quantize=quantize, calibration=images, head=head)
    return paths


def test_the_distance_of_a_prediction():
    reference = np.log([[1.0, 2.0, 5.0]] * 3)
    labels, scores = np.array(["Füchse", "dog", "Füchse"]), np.array([0.625, 0.25, 0.525])
    # Keras' own; another class, 0.625 - 0.25 less likely; the right one with a probability that is 0.1 off.
    np.testing.assert_allclose(prediction_distance(labels, scores, reference, HEAD), [0, 0.375, 0.1], atol=1e-12)


def test_a_class_that_the_head_does_not_have_is_named():
    labels = np.array(["cat", "wolf", "dog"])
    with pytest.raises(export.ParityError, match=r"a class that its head does not have.*Received: 'wolf'"):
        prediction_distance(labels, np.full(3, 0.5), np.zeros((3, 3)), HEAD)


def test_the_limits():
    assert allowed_distance("saved_model") == allowed_distance("tflite none") == ("largest", 0.001)
    assert allowed_distance("tflite float16") == ("largest", 0.02)
    assert allowed_distance("tflite int8") == allowed_distance("tflite dynamic") == ("mean", 0.05)


def test_files_predict_as_keras_does_in_a_fresh_process(encoder, head, images, artifacts):
    parities = export.check_parity(encoder, artifacts, images, head=head)
    assert all(parity.passed for parity in parities)
    assert max(parity.predictions for parity in parities[:2]) < 1e-5
    assert 1e-5 < parities[2].predictions < 0.05
    assert "predictions" in export.parity_table(parities).splitlines()[0]


def test_the_names_of_another_head_do_not_pass(encoder, head, images, artifacts):
    """The same classes in another order: the embeddings agree, the predictions do not."""
    other = dataclasses.replace(head, labels=("dog", "Füchse", "cat"))
    parities = export.check_parity(encoder, artifacts, images, head=other)
    assert [parity.passed for parity in parities] == [False] * 3
    with pytest.raises(export.ParityError, match=r"predictions .*, required largest <= 0\.001"):
        export.require_parity(parities)


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_scores_alone(encoder, head, images, tmp_path, capsys, quantize):
    from byol_keras.export.device import byol_device

    path = export.tflite(
        encoder, tmp_path / "a.tflite", quantize=quantize, calibration=images, head=head, scores_only=True
    )
    labeled = (np.concatenate([images, images]), np.arange(48) % 2)
    (parity,) = export.check_parity(encoder, {"a": path}, images, labeled=labeled, head=head)
    assert parity.passed
    assert parity.predictions_tolerance
    assert parity.knn is None
    assert parity.tolerance == ("largest <= 0.0001" if quantize == "none" else "")
    other = dataclasses.replace(head, labels=("Füchse", "cat", "dog"))
    with pytest.raises(InputError, match="gives scores alone: pass its head"):
        export.check_parity(encoder, {"a": path}, images)
    assert Encoder(path).dimension == 0
    assert "output" not in json.loads((tmp_path / "a.tflite.json").read_text())
    image = tmp_path / "a.png"
    Image.fromarray(images[0]).save(image)
    assert byol_device.main(["label", str(path), str(image)]) == 0
    assert byol_device.main(["compare", str(path), str(image), str(image)]) == 2
    assert "gives scores alone. Export another. Received: output='embedding'" in capsys.readouterr().err
    (parity,) = export.check_parity(encoder, {"a": path}, images, head=other)
    assert not parity.passed


def test_a_file_without_classes(encoder, head, images, tmp_path):
    path = export.tflite(encoder, tmp_path / "plain.tflite")
    with pytest.raises(export.ParityError, match="the file names no classes"):
        export.check_parity(encoder, {"plain": path}, images, head=head)


def test_a_device_gets_labels(encoder, head, artifacts, images, tmp_path, capsys):
    Image.fromarray(images[0]).save(tmp_path / "photo.png")
    device = Encoder(artifacts["none"])
    assert device.labels == list(head.labels)
    predictions = device.label(tmp_path / "photo.png")
    expected = probabilities(head, device.embed([tmp_path / "photo.png"]))[0]
    assert [label for label, _ in predictions] == [head.labels[i] for i in np.argsort(-expected)]
    np.testing.assert_allclose([score for _, score in predictions], -np.sort(-expected), atol=1e-5)
    byol_device = importlib.import_module("byol_keras.export.device.byol_device")
    assert byol_device.main(["label", str(artifacts["none"]), str(tmp_path / "photo.png")]) == 0
    label, score = predictions[0]
    assert f"photo.png: {label} {score:.3f}, " in capsys.readouterr().out
    with pytest.raises(DeviceError, match="No classes are known"):
        Encoder(export.tflite(encoder, tmp_path / "plain.tflite")).label(tmp_path / "photo.png")


def test_a_head_of_another_encoder(encoder, tmp_path):
    with pytest.raises(InputError, match="the head was made from embeddings of another encoder"):
        export.tflite(encoder, tmp_path / "a.tflite", head=HEAD)
    assert not list(tmp_path.iterdir())
