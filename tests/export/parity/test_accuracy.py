import keras
import numpy as np
import pytest
from PIL import Image

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.evaluation import knn_accuracy, knn_leave_one_out
from byol_keras.export.parity.accuracy import (
    NEIGHBORS,
    allowed_loss,
    correct_by_neighbors,
    labeled_sample,
    loses_too_much,
)

RED, GREEN = (200, 60, 60), (60, 200, 60)


def colors(count, seed=0):
    """uint8 (2 * count, 32, 32, 3), noise about red and about green, and their labels."""
    generator = np.random.default_rng(seed)
    images = [generator.normal(color, 45, (count, 32, 32, 3)).clip(0, 255).astype(np.uint8) for color in (RED, GREEN)]
    return np.concatenate(images), np.repeat([0, 1], count)


def test_leave_one_out_is_knn_without_the_image_itself():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 60)
    vectors = generator.normal(size=(60, 8)) + np.eye(8)[labels]
    right = knn_leave_one_out(vectors, labels, k=5)
    for i in range(60):
        others = np.arange(60) != i
        one = slice(i, i + 1)
        assert right[i] == knn_accuracy(vectors[others], labels[others], vectors[one], labels[one], k=5)
    assert 0.4 < right.mean() < 1
    with pytest.raises(InputError, match=r"20 neighbors need more images than that: .* Received: 20 images"):
        knn_leave_one_out(vectors[:20], labels[:20])


def test_what_a_format_allowed_loss():
    assert [allowed_loss(kind) for kind in ("saved_model", "tflite none", "onnx")] == [0.2] * 3
    assert [allowed_loss(f"tflite {kind}") for kind in ("float16", "dynamic", "int8")] == [0.5, 1, 1]
    reference = np.arange(10_000) < 5000  # 50 %
    for kind, lost, too_much in (
        ("tflite int8", 100, False),  # one point
        ("tflite int8", 119, False),  # chance: twice the root of 119 makes 21
        ("tflite int8", 125, True),
        ("tflite none", 60, True),
        ("tflite none", 30, False),
    ):
        ours = reference & (np.arange(10_000) >= lost)
        assert loses_too_much(kind, ours, reference) == too_much, (kind, lost)
    # As many won as lost is no loss, however many.
    assert not loses_too_much("tflite none", ~reference, reference)
    assert not loses_too_much("tflite none", np.ones(10_000, bool), reference)


def test_values_that_are_not_finite_get_nothing_right():
    _, labels = colors(15)
    vectors = np.eye(2)[labels].astype(np.float32)
    assert correct_by_neighbors(vectors, labels).all()
    vectors[3, 0] = np.nan
    assert not correct_by_neighbors(vectors, labels).any()


def test_a_labeled_source(tmp_path):
    images, labels = colors(40)
    np.savez(tmp_path / "a.npz", images=images, labels=labels)
    sampled_images, sampled_labels = labeled_sample(str(tmp_path / "a.npz"), 32, 3)
    np.testing.assert_array_equal(sampled_images, images)
    np.testing.assert_array_equal(sampled_labels, labels)
    assert labeled_sample(str(tmp_path / "a.npz"), 16, 3)[0].shape == (80, 16, 16, 3)


def test_sources_that_tell_no_accuracy(tmp_path):
    images, labels = colors(20)
    np.savez(tmp_path / "plain.npz", images=images)
    np.savez(tmp_path / "one.npz", images=images, labels=0 * labels)
    np.savez(tmp_path / "few.npz", images=images[::2], labels=labels[::2])
    Image.fromarray(images[0]).save(tmp_path / "alone.png")
    for name, message in (
        ("plain.npz", "has no labels: put the images of each class in a subfolder"),
        ("one.npz", "one class only"),
        ("few.npz", f"too few images for the vote of {NEIGHBORS}.*at least 21. Received: 20"),
        ("", "has no labels"),
    ):
        with pytest.raises(InputError, match=message):
            labeled_sample(str(tmp_path / name), 32, 3)
    with pytest.raises(InputError, match=r"Images of 4 channels are needed .* these have 3"):
        labeled_sample(str(tmp_path / "one.npz"), 32, 4)


@pytest.fixture(scope="module")
def files(encoder, tmp_path_factory):
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path_factory.mktemp("files")
    calibration = colors(20, seed=1)[0]
    return {
        "served": export.saved_model(encoder, folder / "1"),
        "int8": export.tflite(encoder, folder / "int8.tflite", quantize="int8", calibration=calibration),
        "uint8": export.tflite(encoder, folder / "u.tflite", quantize="int8", calibration=calibration, io="uint8"),
    }


def test_each_file_is_evaluated_beside_keras(encoder, files):
    images, labels = colors(40)
    parities = export.check_parity(encoder, files, images[::5], (images, labels))
    reference = encoder(images / np.float32(255), training=False).numpy()
    expected = knn_leave_one_out(reference, labels).mean()
    assert expected > 0.9
    for parity in parities:
        assert parity.knn_keras == pytest.approx(expected)
        assert abs(parity.knn - expected) <= 0.05
        assert parity.passed
    assert parities[1].knn_tolerance == "loss <= 1.0 points, beyond chance"
    lines = export.parity_table(parities).splitlines()
    column = lines[0].index("20-NN %")
    assert float(lines[1][column:].split()[0]) == pytest.approx(100 * parities[0].knn, abs=0.06)


def test_a_file_that_loses_the_classes_fails_although_its_embeddings_are_near(tmp_path):
    """A direction that tells the classes apart may be small beside the others, and be rounded away by int8."""
    pytest.importorskip("ai_edge_litert")
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    # The class is one more in a red byte out of eight: less than a step of int8, once the bytes are averaged.
    images = np.full((200, 8, 8, 3), 100, np.uint8)
    images[:, 0, :, 0] += labels.astype(np.uint8)[:, None]
    images[..., 1:] += generator.integers(0, 100, (200, 1, 1, 2), np.uint8)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    first = keras.layers.Dense(3)
    second = keras.layers.Dense(3)
    encoder = keras.Model(inputs, second(first(x)), name="fine")
    # Floats bring it back to the size of the others.
    first.set_weights([np.eye(3, dtype="float32"), np.float32([-100 / 255, -0.55, -0.55])])
    second.set_weights([np.diag(np.float32([2040, 0.05, 0.05])), np.zeros(3, "float32")])
    with pytest.warns(UserWarning, match="in int8 the embeddings are far from Keras'"):
        path = export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=images)
    (parity,) = export.check_parity(encoder, {"a": path}, images[::4], (images, labels))
    assert parity.knn_keras > 0.95
    assert parity.knn < parity.knn_keras - 0.1
    assert not parity.passed
    with pytest.raises(export.ParityError, match=r"by 20-NN, Keras .* %, required loss <= 1.0 points"):
        export.require_parity([parity])
