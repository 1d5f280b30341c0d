"""RetinaNet on the backbone of an encoder."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import byol_keras as bk
from byol_keras.data.images import ImageSource
from byol_keras.errors import InputError
from byol_keras.models.keras_cv_backbone import keras_cv_backbone
from byol_keras.tasks.detection.dataset import DetectionDataset
from byol_keras.tasks.detection.model import build_retinanet, smallest_anchor

# keras-cv's training step passes the images without the name of its input.
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`:UserWarning")


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    return bk.resnet10(input_shape=(64, 64, 3))


@pytest.fixture(scope="module")
def network(encoder):
    return build_retinanet(encoder, num_classes=2, smallest=12.0)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((2, 64, 96, 3), np.float32)


def test_levels_3_to_7_have_nine_anchors_a_cell(network, images):
    # Cells: 8 x 12, 4 x 6, 2 x 3, 1 x 2, 1 x 1.
    out = network({"images": images}, training=False)
    assert out["box"].shape == (2, 9 * (96 + 24 + 6 + 2 + 1), 4)
    assert out["classification"].shape == (2, 9 * 129, 2)


def test_at_first_every_anchor_is_background_with_the_papers_doubt(network, images):
    # Black images: convolutions without bias pass nothing on, and the bias of the head is left.
    scores = keras.ops.sigmoid(network({"images": 0 * images}, training=False)["classification"])
    np.testing.assert_allclose(scores, 0.01, rtol=1e-4)


def test_the_backbone_has_the_weights_of_the_encoder(network, encoder, images):
    expected = keras_cv_backbone(encoder)(images, training=False)
    np.testing.assert_allclose(network.backbone(images, training=False), expected, rtol=1e-5, atol=1e-5)


def test_anchors_start_at_the_smallest_and_double(network):
    anchors = network.anchor_generator(image_shape=(512, 512, 3))
    for level, corners in enumerate(anchors.values()):
        sides = np.asarray(corners)[:, 2:] - np.asarray(corners)[:, :2]
        # The middle of the image, where no anchor is cut off: scale 1, ratio 1 is the second of the nine.
        cells = 512 // 8 >> level
        middle = 9 * (cells * (cells // 2) + cells // 2) + 1
        np.testing.assert_allclose(sides[middle], 12.0 * 2**level, rtol=1e-4)


def test_a_perfect_prediction_decodes_to_the_box(network, images):
    boxes = np.array([[[20, 10, 44, 34]], [[50, 20, 80, 60]]], np.float32)
    targets, classes = network.label_encoder(images, {"boxes": boxes, "classes": np.array([[0], [1]], np.float32)})
    logits = np.where(np.asarray(classes)[..., None] == np.arange(2), 9.0, -9.0).astype(np.float32)
    found = network.decode_predictions({"box": targets, "classification": logits}, images)
    for i in range(2):
        np.testing.assert_allclose(found["boxes"][i, 0], boxes[i, 0], atol=0.01)
        assert found["classes"][i, 0] == i


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_losses_are_finite_with_images_without_boxes(encoder, images, set_policy, policy):
    set_policy(policy)
    network = build_retinanet(encoder, num_classes=1, smallest=12.0)
    network.compile(optimizer="sgd", box_loss="smoothl1", classification_loss="focal", jit_compile=False)
    none, one = ([[-1, -1, -1, -1]], [-1]), ([[20, 10, 44, 34]], [0])
    for batch in ([none, one], [none, none]):
        boxes, classes = (np.array(part, np.float32) for part in zip(*batch, strict=True))
        data = tf.data.Dataset.from_tensors((images, {"boxes": boxes, "classes": classes}))
        losses = network.fit(data, shuffle=False, verbose=0).history
        assert np.isfinite([losses["box_loss"], losses["classification_loss"]]).all()
    assert all(np.isfinite(weight).all() for weight in network.get_weights())


def test_anchors_are_exact_in_bfloat16(encoder, set_policy):
    plain = build_retinanet(encoder, 1, 12.0).anchor_generator(image_shape=(192, 256, 3))
    set_policy("mixed_bfloat16")
    for level, corners in build_retinanet(encoder, 1, 12.0).anchor_generator(image_shape=(192, 256, 3)).items():
        np.testing.assert_array_equal(corners, plain[level])


@pytest.mark.parametrize(("side", "expected"), [(20, 20.0), (3, 8.0), (90, 32.0)])
def test_smallest_anchor_follows_the_boxes_within_limits(side, expected):
    boxes = np.array([[0, 0, side, side]] * 5 + [[0, 0, 1, 1]], np.float32)
    crowd = np.array([False] * 5 + [True])
    source = ImageSource(names=("a",), sizes=np.array([(96, 96)]))
    boxed = DetectionDataset(source, (boxes,), (np.zeros(6, np.int64),), (crowd,), ("car",))
    assert smallest_anchor(boxed, (96, 96)) == expected
    assert smallest_anchor(boxed, (192, 192)) == np.clip(2 * side, 8, 32)


def test_other_encoders_are_refused():
    with pytest.raises(InputError, match="resnet10, resnet18 or resnet34"):
        build_retinanet(bk.resnet8(input_shape=(64, 64, 3)), 1, 12.0)
