import keras
import numpy as np
import pytest
import tensorflow as tf

from byol_keras import export
from byol_keras.augment.crop import central_resize
from byol_keras.errors import InputError
from byol_keras.evaluation.linear_head import LinearHead
from byol_keras.models.fingerprint import fingerprint
from byol_keras.precision import cast_model


def signature(path):
    loaded = tf.saved_model.load(str(path))
    function = loaded.signatures["serving_default"]
    function.owner = loaded  # its variables live as long as this
    return function


def expected(encoder, images, size=32):
    """By hand: the central square, resized as in evaluation, through Keras."""
    side = min(images.shape[1:3])
    top, left = (images.shape[1] - side) // 2, (images.shape[2] - side) // 2
    square = images[:, top : top + side, left : left + side] / np.float32(255)
    return encoder(central_resize(tf.constant(square), size), training=False).numpy()


@pytest.fixture(scope="module")
def exported(encoder, tmp_path_factory):
    return export.saved_model(encoder, tmp_path_factory.mktemp("serving") / "encoder" / "1")


def test_the_names_of_the_package_are_functions():
    assert callable(export.saved_model)
    assert callable(export.tflite)


def test_signature(exported):
    function = signature(exported)
    assert function.structured_input_signature == (
        (),
        {"images": tf.TensorSpec((None, None, None, 3), tf.uint8, name="images")},
    )
    assert function.structured_outputs["embedding"].dtype == tf.float32
    assert function.structured_outputs["embedding"].shape.as_list() == [None, 48]
    assert function.structured_outputs["embedding_normalized"].shape.as_list() == [None, 48]
    assert len(function.structured_outputs) == 2
    assert set(tf.saved_model.load(str(exported)).signatures) == {"serving_default", "serve_bytes"}


@pytest.mark.parametrize(("count", "height", "width"), [(1, 32, 32), (3, 40, 56), (2, 57, 31), (5, 20, 20)])
def test_any_batch_and_size_gives_what_keras_gives(encoder, exported, make_images, count, height, width):
    images = make_images(count, height, width, seed=count)
    embedding = signature(exported)(images=tf.constant(images))["embedding"].numpy()
    reference = expected(encoder, images)
    assert embedding.shape == (count, 48)
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())


def test_images_of_the_right_size_are_not_resampled(encoder, exported):
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)  # noise shows any resampling
    embedding = signature(exported)(images=tf.constant(images))["embedding"].numpy()
    reference = encoder(images / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())


def test_every_weight_is_stored_once_for_all_signatures(make_encoder, tmp_path):
    first, second = (
        export.saved_model(make_encoder(filters=filters), tmp_path / str(i))
        for i, filters in ((1, (16,)), (2, (512, 256)))
    )
    stored = [sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) for path in (first, second)]
    parameters = [make_encoder(filters=filters).count_params() for filters in ((16,), (512, 256))]
    assert stored[1] - stored[0] < 1.05 * 4 * (parameters[1] - parameters[0])


@pytest.mark.parametrize("half_precision", ["mixed_bfloat16", "mixed_float16"], indirect=True)
def test_a_half_precision_encoder_is_exported_in_float32(half_precision, make_encoder, tmp_path, images):
    encoder = make_encoder()
    path = export.saved_model(encoder, tmp_path / "1")
    embedding = signature(path)(images=tf.constant(images))["embedding"].numpy()
    reference = expected(cast_model(encoder, "float32"), images)
    rounded = expected(encoder, images).astype(np.float32)
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())
    assert np.abs(embedding - rounded).max() > 1e-4 * np.abs(reference).max()
    assert encoder.compute_dtype == half_precision.removeprefix("mixed_")


def test_an_encoder_of_free_size_gets_the_images_unchanged(make_encoder, make_images, tmp_path):
    encoder = make_encoder(size=(None, None))
    path = export.saved_model(encoder, tmp_path / "1")
    images = make_images(2, 40, 56)
    embedding = signature(path)(images=tf.constant(images))["embedding"].numpy()
    reference = encoder(images / np.float32(255), training=False).numpy()
    np.testing.assert_allclose(embedding, reference, atol=1e-5 * np.abs(reference).max())


def test_an_encoder_that_is_not_square_takes_its_own_size(make_encoder, tmp_path):
    path = export.saved_model(make_encoder(size=(24, 40), channels=1), tmp_path / "1")
    function = signature(path)
    assert function.structured_input_signature[1]["images"].shape.as_list() == [None, 24, 40, 1]
    assert function(images=tf.zeros((2, 24, 40, 1), tf.uint8))["embedding"].shape == (2, 48)


def test_a_subclassed_model(tmp_path, images):
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.pool = keras.layers.GlobalAveragePooling2D()

        def call(self, x):
            return self.pool(x)

    encoder = Subclassed()
    with pytest.raises(InputError, match="Build it"):
        export.saved_model(encoder, tmp_path / "1")
    encoder.build((None, 40, 56, 3))
    embedding = signature(export.saved_model(encoder, tmp_path / "1"))(images=tf.constant(images))["embedding"]
    np.testing.assert_allclose(embedding.numpy(), images.mean(axis=(1, 2)) / 255, rtol=1e-4)


@pytest.mark.parametrize("name", ["encoder", "0", "01", "-1", "1.0", "v1"])
def test_the_last_part_must_be_a_version(encoder, tmp_path, name):
    with pytest.raises(InputError, match=r"integer from 1.*Received: path="):
        export.saved_model(encoder, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_existing_version_is_not_touched_and_the_next_is_named(encoder, tmp_path):
    for name in ("1", "7", "notes"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"exists already.*The next free one is .*/8\. Received: path="):
        export.saved_model(encoder, tmp_path / "7")
    assert not list((tmp_path / "7").iterdir())


def test_next_version(tmp_path):
    folder = tmp_path / "encoder"
    assert export.next_version(folder) == 1
    for name in ("2", "10", "9", ".11-abc", "tmp"):
        (folder / name).mkdir(parents=True)
    assert export.next_version(str(folder)) == 11
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        export.next_version(tmp_path / "file")


def test_a_file_where_a_folder_is_expected(encoder, tmp_path):
    (tmp_path / "encoder").write_text("mine")
    with pytest.raises(InputError, match=r"encoder is not a folder"):
        export.saved_model(encoder, tmp_path / "encoder" / "deeper" / "1")
    assert (tmp_path / "encoder").read_text() == "mine"


def test_nothing_is_left_when_writing_fails(encoder, tmp_path, monkeypatch):
    def half(module, folder, signatures, options):
        tf.io.gfile.makedirs(folder)
        tf.io.write_file(f"{folder}/saved_model.pb", "half")
        raise OSError("disk full")

    monkeypatch.setattr(tf.saved_model, "save", half)
    with pytest.raises(OSError, match="disk full"):
        export.saved_model(encoder, tmp_path / "encoder" / "1")
    assert not list((tmp_path / "encoder").iterdir())


def test_encoders_of_another_form(tmp_path):
    image = keras.Input((8, 8, 3))
    maps = keras.Model(image, keras.layers.Conv2D(4, 3)(image), name="maps")
    pair = keras.Model([image, keras.Input((2,))], keras.layers.Flatten()(image), name="pair")
    vector = keras.Input((5,))
    for model, message in (
        (maps, r"one embedding \(B, D\).*Received: encoder=maps with output \(None, 6, 6, 4\)"),
        (pair, r"one batch of images.*encoder=pair with input shapes"),
        (keras.Model(vector, keras.layers.Dense(2)(vector)), r"one batch of images \(B, H, W, C\)"),
        ("encoder.keras", "is a keras.Model. Received: encoder='encoder.keras'"),
    ):
        with pytest.raises(InputError, match=message):
            export.saved_model(model, tmp_path / "serving" / "1")
    assert not list(tmp_path.iterdir())


def test_encoders_of_what_no_jpeg_has_take_arrays_alone(encoder, make_encoder, tmp_path, capfd):
    facts = export.provenance_of(encoder, {"value_range": [0, 4095]})
    path = export.saved_model(encoder, tmp_path / "deep" / "1", dtype="float32", provenance=facts)
    said = capfd.readouterr().err
    assert said.startswith(f"{path}: there is no `serve_bytes`")
    assert "This encoder takes values from 0 to 4095: send `serving_default` arrays, in [0, 1].\n" in said
    assert set(tf.saved_model.load(str(path)).signatures) == {"serving_default"}
    export.saved_model(make_encoder(channels=4), tmp_path / "bands" / "1")
    assert "This encoder takes 4 channels: send `serving_default` arrays" in capfd.readouterr().err
    head = LinearHead(np.zeros((48, 2), np.float32), np.zeros(2, np.float32), ("a", "b"), fingerprint(encoder))
    with pytest.raises(InputError, match=r"without a value range: they take JPEG and PNG.*values from 0 to 4095"):
        export.saved_model(encoder, tmp_path / "head" / "1", provenance=facts, head=head)
