"""What the signatures of a SavedModel take and give, in TensorFlow."""

import io

import keras
import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras import export
from byol_keras.augment.crop import central_resize
from byol_keras.data.decode import decode
from byol_keras.errors import InputError
from byol_keras.evaluation import linear_accuracy

from ...data.hostile import png
from ...disks import mounted


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(image.squeeze()).save(file, kind, **options)
    return file.getvalue()


def square(encoder, image):
    """By hand: the central square of one image uint8 (H, W, C), resized as in evaluation, through Keras: (D,)."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    cut = image[None, top : top + side, left : left + side] / np.float32(255)
    return encoder(central_resize(tf.constant(cut), 32), training=False)[0].numpy()


@pytest.fixture(scope="module")
def head():
    rng = np.random.default_rng(0)
    names = ("cat", "dog", "Füchse", "bird", "fish", "cow")
    return export.LinearHead(rng.normal(size=(48, 6)), rng.normal(size=6), names)


@pytest.fixture(scope="module")
def known(encoder, make_images):
    """An index of eight images."""
    images = make_images(8, 32, 32, seed=3)
    names = [f"folder/{i}.jpg" for i in range(8)]
    return images, export.NeighborIndex(names, 7 * encoder(images / np.float32(255), training=False).numpy())


@pytest.fixture(scope="module")
def signatures(encoder, head, known, tmp_path_factory):
    path = export.saved_model(encoder, tmp_path_factory.mktemp("all") / "1", head=head, index=known[1])
    loaded = tf.saved_model.load(str(path))
    return loaded.signatures


def test_the_signatures_are_these(signatures):
    assert set(signatures) == {"serving_default", "serve_bytes", "classify", "neighbors"}
    for name in ("serve_bytes", "classify", "neighbors"):
        expected = {"image_bytes": tf.TensorSpec((None,), tf.string, name="image_bytes")}
        assert signatures[name].structured_input_signature == ((), expected)


def test_normalized_embeddings_have_length_one_and_the_same_direction(signatures, images):
    outputs = signatures["serving_default"](images=tf.constant(images))
    embedding, normalized = outputs["embedding"].numpy(), outputs["embedding_normalized"].numpy()
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, rtol=1e-5)
    lengths = np.linalg.norm(embedding, axis=1, keepdims=True)
    assert np.abs(lengths - 1).max() > 0.1
    np.testing.assert_allclose(normalized, embedding / lengths, rtol=1e-4, atol=1e-6)


def test_images_of_many_sizes_leave_no_memory_behind(signatures, make_images):
    """Some kernels of TensorFlow's are prepared anew for each size, and kept: 0.7 MB each were seen."""
    serve, memory = signatures["serve_bytes"], []
    files = [encoded(make_images(1, 200 + 3 * i, 900 - 2 * i, seed=i)[0], "JPEG") for i in range(120)]
    for i, file in enumerate(files):
        serve(image_bytes=tf.constant([file]))
        if i in (40, 119):
            memory.append(psutil.Process().memory_info().rss)
    assert memory[1] - memory[0] < 20e6


def test_encoded_images_of_any_size_and_kind(signatures, encoder, make_images):
    plain, tall, gray = (make_images(1, *size, seed=i)[0] for i, size in enumerate([(32, 32), (57, 31), (40, 56)]))
    gray = gray[..., :1]
    alpha = np.concatenate([tall, np.full((57, 31, 1), 99, np.uint8)], axis=2)
    jpeg = encoded(tall, "JPEG", quality=90)
    strings = [encoded(plain), encoded(tall), encoded(gray), encoded(alpha), jpeg]
    # 99 parts of 255 of the color, and white for the others.
    on_white = np.round((tall * 99.0 + 255 * 156) / 255).astype(np.uint8)
    seen = [plain, tall, np.repeat(gray, 3, axis=2), on_white, np.array(Image.open(io.BytesIO(jpeg)))]
    outputs = signatures["serve_bytes"](image_bytes=tf.constant(strings))
    reference = np.stack([square(encoder, image) for image in seen])
    np.testing.assert_allclose(outputs["embedding"], reference, atol=1e-5 * np.abs(reference).max())
    np.testing.assert_allclose(np.linalg.norm(outputs["embedding_normalized"], axis=1), 1, rtol=1e-5)


def test_an_empty_batch_gives_empty_outputs(signatures):
    for name, signature in signatures.items():
        if name == "serving_default":
            outputs = signature(images=tf.zeros((0, 40, 50, 3), tf.uint8))
        else:
            outputs = signature(image_bytes=tf.constant([], tf.string))
        assert {len(value) for value in outputs.values()} == {0}


def broken():
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    jpeg, png = encoded(image, "JPEG"), encoded(image)
    return {
        "zero bytes": (b"", r"neither JPEG nor PNG. Received: index\] \[1\] \[bytes\] \[0\]"),
        "text": (b"GET / HTTP/1.1", r"neither JPEG nor PNG. Received: index\] \[1\] \[bytes\] \[14\]"),
        "cut JPEG": (jpeg[: len(jpeg) // 2], "Invalid JPEG data"),
        "head of a JPEG": (jpeg[:3], "Invalid JPEG data"),
        "cut PNG": (png[: len(png) // 2], "Invalid PNG data"),
    }


@pytest.fixture(scope="module")
def strict(encoder, head, known, tmp_path_factory):
    path = export.saved_model(encoder, tmp_path_factory.mktemp("strict") / "1", head=head, index=known[1], strict=True)
    return tf.saved_model.load(str(path)).signatures


@pytest.mark.parametrize("name", ["serve_bytes", "classify", "neighbors"])
def test_strings_that_cannot_be_decoded_leave_the_others_alone(signatures, make_images, name):
    good = [encoded(image) for image in make_images(2, 40, 32, seed=8)]
    wrong = [string for string, _ in broken().values()]
    outputs = signatures[name](image_bytes=tf.constant([good[0], *wrong, good[1]]))
    assert outputs.pop("valid").numpy().tolist() == [True, *[False] * len(wrong), True]
    alone = signatures[name](image_bytes=tf.constant(good))
    assert alone.pop("valid").numpy().tolist() == [True, True]
    for key, value in outputs.items():
        value, expected = value.numpy(), alone[key].numpy()
        assert (value[1:-1] == (b"" if value.dtype == object else 0)).all()
        if value.dtype == object:
            assert value[[0, -1]].tolist() == expected.tolist()
        else:
            np.testing.assert_allclose(value[[0, -1]], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["serve_bytes", "classify", "neighbors"])
def test_only_strings_that_cannot_be_decoded(signatures, name):
    outputs = signatures[name](image_bytes=tf.constant([b"", b"text"]))
    assert outputs.pop("valid").numpy().tolist() == [False, False]
    assert all(len(value) == 2 and not any(value.numpy().ravel()) for value in outputs.values())


@pytest.mark.parametrize("case", list(broken()))
@pytest.mark.parametrize("name", ["serve_bytes", "classify", "neighbors"])
def test_strict_says_what_cannot_be_decoded(strict, make_images, name, case):
    string, message = broken()[case]
    good = encoded(make_images(1, 32, 32)[0])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        strict[name](image_bytes=tf.constant([good, string, good]))
    assert strict[name](image_bytes=tf.constant([good]))["valid"].numpy().tolist() == [True]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 32, 3), r"\[32,32,3\] is not compatible with expected shape \[\?,\?,\?,3\]"),
        ((2, 32, 32, 1), r"\[2,32,32,1\] is not compatible with expected shape"),
        ((2, 0, 32, 3), r"a height and a width from 1. Received:\] \[0 32\]"),
    ],
)
def test_images_of_a_wrong_shape(signatures, shape, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["serving_default"](images=tf.zeros(shape, tf.uint8))


def test_images_of_a_wrong_dtype(signatures):
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a uint8 tensor but is a float tensor"):
        signatures["serving_default"](images=tf.zeros((2, 32, 32, 3)))


def test_float_images(encoder, make_images, tmp_path):
    path = export.saved_model(encoder, tmp_path / "1", dtype="float32")
    loaded = tf.saved_model.load(str(path))
    images = make_images(3, 40, 56) / np.float32(255)
    embedding = loaded.signatures["serving_default"](images=tf.constant(images))["embedding"].numpy()
    reference = np.stack([square(encoder, np.round(image * 255).astype(np.uint8)) for image in images])
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())
    for wrong in (images * 255, images - 0.5, np.where(images > 0, np.nan, images)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in \[0, 1\]: divide them by 255"):
            loaded.signatures["serving_default"](images=tf.constant(wrong, tf.float32))


def test_classify(signatures, encoder, head, make_images):
    images = make_images(4, 32, 32, seed=5)
    outputs = signatures["classify"](image_bytes=tf.constant([encoded(image) for image in images]))
    logits = encoder(images / np.float32(255), training=False).numpy() @ head.weights + head.bias
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    order = np.argsort(-scores, axis=1)[:, :5]
    assert outputs["labels"].dtype == tf.string
    assert [[label.decode() for label in row] for row in outputs["labels"].numpy()] == np.take(
        head.labels, order
    ).tolist()
    np.testing.assert_allclose(outputs["scores"], np.take_along_axis(scores, order, axis=1), rtol=1e-3, atol=1e-6)


def test_the_nearest_neighbor_of_a_known_image_is_itself(signatures, encoder, known):
    images, index = known
    outputs = signatures["neighbors"](image_bytes=tf.constant([encoded(image) for image in images[:3]]))
    assert outputs["names"].shape == (3, 5)
    assert [row[0].decode() for row in outputs["names"].numpy()] == list(index.names[:3])
    np.testing.assert_allclose(outputs["similarities"][:, 0], 1, rtol=1e-5)
    units = index.embeddings / np.linalg.norm(index.embeddings, axis=1, keepdims=True)
    np.testing.assert_allclose(outputs["similarities"], -np.sort(-(units[:3] @ units.T), axis=1)[:, :5], atol=1e-5)


def test_a_free_encoder_with_an_image_size_is_like_a_square_one(make_encoder, make_images, tmp_path):
    free = make_encoder(size=(None, None))
    unchanged = tf.saved_model.load(str(export.saved_model(free, tmp_path / "1")))
    assert set(unchanged.signatures) == {"serving_default"}
    loaded = tf.saved_model.load(str(export.saved_model(free, tmp_path / "2", image_size=32)))
    image = make_images(1, 40, 56)[0]
    reference = square(free, image)
    for outputs in (
        loaded.signatures["serving_default"](images=tf.constant(image[None])),
        loaded.signatures["serve_bytes"](image_bytes=tf.constant([encoded(image)])),
    ):
        np.testing.assert_allclose(outputs["embedding"][0], reference, atol=1e-5 * np.abs(reference).max())


def test_a_gray_encoder_decodes_to_gray(make_encoder, make_images, tmp_path):
    encoder = make_encoder(channels=1)
    loaded = tf.saved_model.load(str(export.saved_model(encoder, tmp_path / "1")))
    image = make_images(1, 32, 32, channels=1)[0]
    outputs = loaded.signatures["serve_bytes"](image_bytes=tf.constant([encoded(image)]))
    reference = square(encoder, image)
    np.testing.assert_allclose(outputs["embedding"][0], reference, atol=1e-5 * np.abs(reference).max())


def test_encoders_whose_images_cannot_be_decoded(make_encoder, head, tmp_path):
    for i, options in enumerate(({"size": (24, 40)}, {"channels": 4}, {"size": (None, None)}), start=1):
        encoder = make_encoder(**options)
        with pytest.raises(InputError, match=r"head and index need an encoder of square images.*Received: encoder="):
            export.saved_model(encoder, tmp_path / str(i), head=head)
        loaded = tf.saved_model.load(str(export.saved_model(encoder, tmp_path / str(i))))
        assert set(loaded.signatures) == {"serving_default"}


def test_wrong_arguments(encoder, head, make_images, tmp_path):
    short = export.LinearHead(head.weights[:40], head.bias, head.labels)
    index = export.NeighborIndex(["a"], np.ones((1, 3)))
    for arguments, message in (
        ({"dtype": "float64"}, "Received: dtype='float64'"),
        ({"max_pixels": 0}, "max_pixels is a whole number from 1. Received: max_pixels=0"),
        ({"max_pixels": 1e6}, "Received: max_pixels=1000000.0"),
        ({"image_size": 64}, "image_size is for an encoder with a free height and width.*image_size=64"),
        ({"head": short}, "the head was made from embeddings of another encoder.*40 dimensions, the encoder gives 48"),
        ({"index": index}, "the index was made from embeddings of another encoder.*3 dimensions, the encoder gives 48"),
        ({"examples": make_images(2, 32, 32) / 255}, "examples are uint8 images.*Received: float64"),
        ({"examples": make_images(2, 32, 32)[..., :1]}, r"examples are uint8 images \(N, H, W, 3\)"),
        ({"examples": make_images(2, 32, 32)[:0]}, "N from 1"),
    ):
        with pytest.raises(InputError, match=message):
            export.saved_model(encoder, tmp_path / "encoder" / "1", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_fitted_head_is_the_linear_probe(encoder, make_images):
    """Two classes and three: bright and dark images, and those in between."""
    images = make_images(90, 32, 32, seed=9).astype(np.float32) / 255
    brightness = images.mean(axis=(1, 2, 3))
    embeddings = encoder.predict(images, verbose=0)
    for cuts in ([0.5], [0.33, 0.66]):
        labels = np.searchsorted(np.quantile(brightness, cuts), brightness)
        head = export.LinearHead.fit(embeddings[:60], labels[:60], ["dark", "middle", "bright", "absent"])
        assert head.labels == ("dark", "middle", "bright")[: len(cuts) + 1]
        chosen = np.argmax(embeddings[60:] @ head.weights + head.bias, axis=1)
        probe = linear_accuracy(embeddings[:60], labels[:60], embeddings[60:], labels[60:])
        assert np.mean(chosen == labels[60:]) == pytest.approx(probe)
        assert probe > 0.5


def test_heads_and_indices_that_do_not_fit():
    weights, bias = np.zeros((4, 2)), np.zeros(2)
    for arguments, message in (
        ((weights, bias, ["a"]), r"Received: weights \(4, 2\), bias \(2,\), 1 labels"),
        ((weights, bias, ["a", "a"]), "the same name"),
        ((weights + np.nan, bias, ["a", "b"]), "must be finite"),
    ):
        with pytest.raises(InputError, match=message):
            export.LinearHead(*arguments)
    for arguments, message in (
        ((["a"], np.zeros((2, 3))), r"Received: 1 names, embeddings \(2, 3\)"),
        (([], np.zeros((0, 3))), "N from 1"),
        ((["a"], np.full((1, 3), np.inf)), "must be finite"),
        ((["a"], np.broadcast_to(np.float32(1), (1, 60_000_000))), "at most 200000000 bytes"),
    ):
        with pytest.raises(InputError, match=message):
            export.NeighborIndex(*arguments)
    for labels, message in (
        (np.zeros(5, int), "two classes"),
        (np.full(5, 2), "2 class names"),
        (np.zeros(4), r"\(4,\)"),
    ):
        with pytest.raises(InputError, match=message):
            export.LinearHead.fit(np.zeros((5, 3)), labels, ["a", "b"])


def test_a_disk_that_fills_up_leaves_nothing(make_encoder, tmp_path):
    """A real file system of 1 MB, where the machine lets us mount one."""
    with mounted(tmp_path / "disk", "1m") as disk:
        with pytest.raises(InputError, match=r"Cannot write .*encoder/1: No space left on device"):
            export.saved_model(make_encoder(filters=(256, 256)), disk / "encoder" / "1")
        assert not list((disk / "encoder").iterdir())


def test_an_encoder_with_a_layer_of_its_own_class(tmp_path, images):
    class Half(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.convolution = keras.layers.Conv2D(6, 3, strides=2)
            self.norm = keras.layers.BatchNormalization()

        def call(self, x, training=None):
            return self.norm(self.convolution(x), training=training)

    inputs = keras.Input((40, 40, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(Half()(inputs)))
    encoder(images[:, :, :40] / np.float32(255), training=True)
    loaded = tf.saved_model.load(str(export.saved_model(encoder, tmp_path / "1")))
    embedding = loaded.signatures["serving_default"](images=tf.constant(images[:, :, :40]))["embedding"].numpy()
    reference = encoder(images[:, :, :40] / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())


def test_pngs_of_every_kind_are_what_training_saw(encoder, signatures):
    rng = np.random.default_rng(0)
    color = Image.fromarray(rng.integers(0, 256, (40, 32, 3), np.uint8))
    alpha = Image.fromarray(rng.integers(0, 256, (40, 32, 4), np.uint8))
    deep = rng.integers(0, 65536, (40, 32), np.uint16)
    files = [
        saved(alpha),
        saved(alpha.convert("LA")),
        saved(color.quantize(30), transparency=bytes(range(0, 240, 8))),
        saved(color.quantize(30), transparency=3),
        saved(color.convert("L"), transparency=100),
        saved(color.convert("1"), transparency=0),
        saved(color.convert("1")),
        saved(color.quantize(2)),
        saved(color.quantize(4)),
        saved(color.quantize(16)),
        saved(color.quantize(2), transparency=bytes([7, 200])),
        png(bytes([0, 0x1B, 0xE4, 0, 0x00, 0xFF]), 8, 2, 2, 0),
        png(bytes([0, 0x1B, 0xE4, 0, 0x00, 0xFF]), 4, 2, 4, 0),
        saved(Image.fromarray(deep)),
        saved(color),
    ]
    served = signatures["serve_bytes"](tf.constant(files))["embedding"].numpy()
    expected = [square(encoder, decode(file)) for file in files]
    np.testing.assert_allclose(served, expected, atol=1e-4, rtol=1e-4)


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()
