import hashlib
import importlib
import json
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras import export
from byol_keras.errors import InputError
from byol_keras.export.formats.calibration import calibration_images
from byol_keras.export.formats.tflite_metadata import sidecar_path
from byol_keras.export.formats.tflite_schema import ends, operations, quantization
from byol_keras.precision import cast_model

MODULE = importlib.import_module("byol_keras.export.formats.tflite")  # the name in the package is the function
QUANTIZE = MODULE.QUANTIZE
SQUARE = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


def embeddings(path, images):
    signature = interpreter.Interpreter(str(path)).get_signature_runner("serving_default")
    return np.concatenate([signature(images=image[None])["embedding"] for image in images])


def with_layer(function):
    """An encoder that uses `function` on its way."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(function, output_shape=lambda shape: shape)(keras.layers.Conv2D(4, 3)(inputs))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


@pytest.fixture(scope="module")
def exported(encoder, tmp_path_factory):
    """A file for each way of quantizing."""
    folder = tmp_path_factory.mktemp("device")
    return {
        quantize: export.tflite(
            encoder,
            folder / f"{quantize}.tflite",
            quantize=quantize,
            calibration=SQUARE if quantize == "int8" else None,
        )
        for quantize in QUANTIZE
    }


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_signature(exported, quantize):
    model = interpreter.Interpreter(str(exported[quantize]))
    assert model.get_signature_list() == {"serving_default": {"inputs": ["images"], "outputs": ["embedding"]}}
    (images,), (embedding,) = model.get_input_details(), model.get_output_details()
    assert (images["dtype"], images["shape"].tolist()) == (np.float32, [1, 32, 32, 3])
    assert (embedding["dtype"], embedding["shape"].tolist()) == (np.float32, [1, 48])


@pytest.mark.parametrize("quantize", QUANTIZE)
def test_the_file_is_quantized_as_asked_with_built_in_operations(exported, quantize):
    model = exported[quantize].read_bytes()
    assert quantization(model) == quantize
    assert "CONV_2D" in operations(model)
    assert not [name for name in operations(model) if name.startswith("CUSTOM")]
    # Batch norm is folded into the convolutions, no variable is left.
    assert not {"VAR_HANDLE", "READ_VARIABLE", "RSQRT"} & set(operations(model))
    assert ("QUANTIZE" in operations(model)) == (quantize == "int8")


def test_sizes(exported):
    sizes = {quantize: path.stat().st_size for quantize, path in exported.items()}
    assert sizes["float16"] < 0.6 * sizes["none"]
    assert sizes["dynamic"] < 0.4 * sizes["none"]
    assert sizes["int8"] < 0.4 * sizes["none"]


def test_float32_gives_what_keras_gives(encoder, exported):
    reference = encoder(SQUARE / np.float32(255), training=False).numpy()
    difference = np.abs(embeddings(exported["none"], SQUARE / np.float32(255)) - reference)
    assert difference.max() < 1e-5 * np.abs(reference).max()


@pytest.mark.parametrize("half_precision", ["mixed_bfloat16", "mixed_float16"], indirect=True)
def test_a_half_precision_encoder_is_exported_in_float32(half_precision, make_encoder, tmp_path):
    encoder = make_encoder()
    path = export.tflite(encoder, tmp_path / "encoder.tflite")
    assert quantization(path.read_bytes()) == "none"
    images = SQUARE / np.float32(255)
    reference = cast_model(encoder, "float32")(images, training=False).numpy()
    assert np.abs(embeddings(path, images) - reference).max() < 1e-5 * np.abs(reference).max()


def test_nothing_is_printed(encoder, tmp_path, capfd):
    export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=SQUARE)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_an_operation_that_is_not_built_in_is_named(tmp_path, capfd, quantize):
    calibration = SQUARE if quantize == "int8" else None
    with pytest.raises(InputError, match=r"not built into LiteRT: tf\.Erf\. .*Received: operations="):
        export.tflite(with_layer(keras.ops.erf), tmp_path / "a.tflite", quantize=quantize, calibration=calibration)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""


def test_a_flex_operation_in_the_result_is_refused(tmp_path, monkeypatch):
    """Whatever the converter lets through: here it is made to."""

    def convert(folder, *_):
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        return converter.convert()

    monkeypatch.setattr(MODULE, "_convert", convert)
    with pytest.raises(InputError, match="not built into LiteRT: CUSTOM FlexErf"):
        export.tflite(with_layer(keras.ops.erf), tmp_path / "a.tflite")
    assert not list(tmp_path.iterdir())


def test_calibration_in_any_form_gives_the_same_file(encoder, exported, tmp_path):
    floats = SQUARE / np.float32(255)
    forms = {
        "list": [SQUARE[:10], SQUARE[10:]],
        "floats": floats,
        "tensor": tf.constant(SQUARE),
        "dataset": tf.data.Dataset.from_tensor_slices(SQUARE).batch(5),
        "generator": (SQUARE[i : i + 1] for i in range(16)),
    }
    generator, samples = forms.pop("generator"), MODULE.calibration_images(SQUARE, 32, 32, 3)
    for name, form in forms.items():
        np.testing.assert_array_equal(MODULE.calibration_images(form, 32, 32, 3), samples, err_msg=name)
    path = export.tflite(encoder, tmp_path / "generator.tflite", quantize="int8", calibration=generator)
    np.testing.assert_array_equal(embeddings(path, floats[:4]), embeddings(exported["int8"], floats[:4]))


def test_calibration_images_are_resized_and_an_endless_dataset_ends(images):
    endless = tf.data.Dataset.from_tensor_slices(images).repeat().batch(300)
    samples = calibration_images(endless, 32, 32, 3)
    assert samples.shape == (500, 32, 32, 3)
    assert samples.dtype == np.float32
    assert samples.min() >= 0
    assert 0.5 < samples.max() <= 1


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (None, "needs calibration images"),
        (SQUARE[:7], "at least 8 calibration images.*Received: calibration of 7 images"),
        ([], "Received: calibration of 0 images"),
        (SQUARE[..., :1], r"batches of images \(N, H, W, 3\)"),
        (SQUARE[0], r"batch of \(32, 32, 3\)"),
        ([(SQUARE, np.zeros(16))], "without labels.*tuple"),
        (SQUARE.astype("float32"), r"float in \[0, 1\]. Received: calibration of float32"),
        (SQUARE / np.float32(255) * np.nan, "nan"),
        (SQUARE.astype("int64"), "int64"),
    ],
)
def test_wrong_calibration(encoder, tmp_path, calibration, message):
    with pytest.raises(InputError, match=message):
        export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=calibration)
    assert not list(tmp_path.iterdir())


def test_wrong_arguments(encoder, make_encoder, tmp_path):
    path = tmp_path / "a.tflite"
    with pytest.raises(InputError, match=r"one of none, float16, dynamic, int8. Received: quantize='int4'"):
        export.tflite(encoder, path, quantize="int4")
    with pytest.raises(InputError, match="is a folder: name a file in it"):
        export.tflite(encoder, tmp_path)
    with pytest.raises(InputError, match=r"fixed height and width.*Received: encoder=small with input \(B, None"):
        export.tflite(make_encoder(size=(None, None)), path)
    with pytest.raises(InputError, match="its own size only, 24 by 40"):
        export.tflite(make_encoder(size=(24, 40)), path, quantize="int8", calibration=SQUARE)
    assert not list(tmp_path.iterdir())


def test_a_file_where_a_folder_is_expected(encoder, tmp_path):
    (tmp_path / "a.tflite").write_text("mine")
    with pytest.raises(InputError, match=r"a\.tflite is not a folder"):
        export.tflite(encoder, tmp_path / "a.tflite" / "b.tflite")
    assert (tmp_path / "a.tflite").read_text() == "mine"


def test_a_disk_that_fills_up_leaves_what_was_there(encoder, small_disk):
    path = small_disk / "a.tflite"
    path.write_text("old")
    (small_disk / "a.tflite.json").write_text("older")
    with pytest.raises(InputError, match=r"Cannot write .*a\.tflite: No space left on device.*Free some space"):
        export.tflite(encoder, path)
    assert (path.read_text(), (small_disk / "a.tflite.json").read_text()) == ("old", "older")
    assert len(list(small_disk.iterdir())) == 2


def test_a_disk_that_is_full_before_the_description_takes_neither_file(encoder, small_disk, tmp_path):
    size = export.tflite(encoder, tmp_path / "b.tflite", quantize="dynamic").stat().st_size
    page = 4096
    # Room for the file to its last page, but not for one more.
    (small_disk / "other").write_bytes(bytes((16 - -(-size // page)) * page))
    with pytest.raises(InputError, match=r"Cannot write .*a\.tflite\.json: No space left on device"):
        export.tflite(encoder, small_disk / "a.tflite", quantize="dynamic")
    assert [path.name for path in small_disk.iterdir()] == ["other"]


def test_an_existing_file_is_replaced(encoder, tmp_path):
    path = tmp_path / "a.tflite"
    path.write_text("old")
    assert quantization(export.tflite(encoder, path).read_bytes()) == "none"
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "a.tflite.json"]


@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_integers_in_and_out(encoder, exported, tmp_path, io):
    path = export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=SQUARE, io=io)
    model = interpreter.Interpreter(str(path))
    (source,), (result,) = model.get_input_details(), model.get_output_details()
    assert (source["dtype"], result["dtype"]) == (np.dtype(io), np.dtype(io))
    # The images go from 0 to 255, so that the pixels are the numbers themselves, less 128 if they have a sign.
    shift = {"int8": -128, "uint8": 0}[io]
    assert source["quantization"] == (pytest.approx(1 / 255), shift)
    signature = model.get_signature_runner()
    pixels = (SQUARE.astype(int) + shift).astype(io)
    numbers = np.concatenate([signature(images=image[None])["embedding"] for image in pixels])
    scale, zero_point = result["quantization"]
    floats = embeddings(exported["int8"], SQUARE / np.float32(255))
    np.testing.assert_allclose(scale * (numbers.astype(np.float32) - zero_point), floats, atol=1.01 * scale)
    source, outputs = ends(path.read_bytes())
    result = outputs["embedding"]
    assert (source.dtype, source.scale, source.zero_point) == (io, pytest.approx(1 / 255), shift)
    assert (result.dtype, result.shape) == (io, (1, 48))


@pytest.mark.parametrize("quantize", ["none", "int8"])
def test_a_free_batch_gives_what_single_images_give(encoder, exported, tmp_path, quantize):
    path = export.tflite(encoder, tmp_path / "a.tflite", quantize=quantize, calibration=SQUARE, batch=None)
    assert ends(path.read_bytes())[0].shape == (None, 32, 32, 3)
    signature = interpreter.Interpreter(str(path)).get_signature_runner()
    images = SQUARE / np.float32(255)
    one_by_one = embeddings(exported[quantize], images)
    for count in (16, 3, 1):
        np.testing.assert_allclose(signature(images=images[:count])["embedding"], one_by_one[:count], atol=1e-5)


def test_a_fixed_batch(encoder, exported, tmp_path):
    path = export.tflite(encoder, tmp_path / "a.tflite", batch=4)
    assert ends(path.read_bytes())[0].shape == (4, 32, 32, 3)
    images = SQUARE[:4] / np.float32(255)
    four = interpreter.Interpreter(str(path)).get_signature_runner()(images=images)["embedding"]
    np.testing.assert_allclose(four, embeddings(exported["none"], images), atol=1e-5)


@pytest.mark.parametrize("batch", [3, None])
def test_a_fixed_batch_is_calibrated_as_one(tmp_path, batch):
    """Flatten has the batch in its graph."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, strides=8)(inputs))
    encoder = keras.Model(inputs, keras.layers.Dense(8)(x))
    path = export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=SQUARE, batch=batch)
    images = SQUARE[:3] / np.float32(255)
    got = interpreter.Interpreter(str(path)).get_signature_runner()(images=images)["embedding"]
    np.testing.assert_allclose(got, encoder(images), atol=0.05 * np.abs(encoder(images)).max())


def test_where_the_converter_fails_it_is_one_line(tmp_path, monkeypatch):
    def convert():
        raise RuntimeError("tensorflow/lite/kernels/reshape.cc: wrong\nsize")

    failing = types.SimpleNamespace(target_spec=types.SimpleNamespace(), convert=convert)
    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_saved_model", lambda folder, signature_keys: failing)
    with pytest.raises(InputError, match=r'take quantize="dynamic".*Received: quantize=.int8., .*reshape\.cc: wrong'):
        export.tflite(with_layer(keras.ops.relu), tmp_path / "a.tflite", quantize="int8", calibration=SQUARE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"io": "float16"}, "io must be one of float32, int8, uint8"),
        ({"io": "int8"}, "only a network in int8 takes and gives integers.*quantize='none'"),
        ({"batch": 0}, r"batch must be a whole number from 1, or None for any\. Received: batch=0"),
        ({"batch": "any"}, "Received: batch='any'"),
    ],
)
def test_wrong_io_and_batch(encoder, tmp_path, kwargs, message):
    with pytest.raises(InputError, match=message):
        export.tflite(encoder, tmp_path / "a.tflite", **kwargs)
    assert not list(tmp_path.iterdir())


def test_the_description_beside_the_file(encoder, exported):
    path = exported["int8"]
    described = json.loads(path.with_name("int8.tflite.json").read_text())
    content = path.read_bytes()
    assert described["sha256"] == hashlib.sha256(content).hexdigest()
    assert (described["file"], described["size_bytes"]) == ("int8.tflite", len(content))
    assert (described["quantization"], described["calibration_images"]) == ("int8", 16)
    assert described["signature"] == "serving_default"
    assert described["input"]["shape"] == [1, 32, 32, 3]
    assert (described["input"]["dtype"], described["input"]["quantization"]) == ("float32", None)
    assert described["input"]["range"] == [0.0, 1.0]
    assert described["output"]["shape"] == [1, 48]
    assert described["normalization"]["mean"] == pytest.approx([0.45] * 3)
    assert described["normalization"]["std"] == pytest.approx([0.06**0.5] * 3)
    assert described["versions"]["tensorflow"] == tf.__version__


@pytest.mark.parametrize("kind", ["folder", "npz"])
def test_calibration_from_a_source(encoder, exported, tmp_path, kind):
    if kind == "folder":
        for i, image in enumerate(SQUARE):
            Image.fromarray(image).save(tmp_path / f"{i:02}.png")
        source = tmp_path
    else:
        source = tmp_path / "images.npz"
        np.savez(source, images=SQUARE)
    path = export.tflite(encoder, tmp_path / "source.tflite", quantize="int8", calibration=str(source))
    images = SQUARE[:4] / np.float32(255)
    np.testing.assert_array_equal(embeddings(path, images), embeddings(exported["int8"], images))


def test_a_source_with_too_few_images_or_none(encoder, make_encoder, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    path = tmp_path / "a.tflite"
    with pytest.raises(InputError, match=r"No images in .*few"):
        export.tflite(encoder, path, quantize="int8", calibration=folder)
    for i in range(3):
        Image.fromarray(SQUARE[i]).save(folder / f"{i}.png")
    with pytest.raises(InputError, match=r"at least 8 .*Received: calibration of 3 images in .*few"):
        export.tflite(encoder, path, quantize="int8", calibration=folder)
    with pytest.raises(InputError, match=r"4 channels are needed .1 gray, 3 color., these have 3"):
        export.tflite(make_encoder(channels=4), path, quantize="int8", calibration=folder)
    Image.fromarray(SQUARE[0][:20]).save(folder / "another_size.png")
    with pytest.raises(InputError, match=r"not square.*24 by 40"):
        export.tflite(make_encoder(size=(24, 40)), path, quantize="int8", calibration=folder)
    assert not path.exists()


def test_calibration_of_16_bits_at_a_size_that_is_not_square(make_encoder, make_images, tmp_path):
    values = make_images(16, 24, 40).astype(np.uint16) * 257
    np.savez(tmp_path / "deep.npz", images=values, value_range=(0, 65535))
    encoder = make_encoder(size=(24, 40))
    of_source = calibration_images(str(tmp_path / "deep.npz"), 24, 40, 3)
    np.testing.assert_allclose(of_source, values / np.float32(65535), atol=1e-6)
    np.testing.assert_array_equal(of_source, calibration_images(values, 24, 40, 3))
    path = export.tflite(encoder, tmp_path / "a.tflite", quantize="int8", calibration=str(tmp_path / "deep.npz"))
    assert json.loads(sidecar_path(path).read_text())["calibration_images"] == 16


def test_mediapipe_finds_nothing_in_a_file_it_cannot_use(make_encoder, encoder, tmp_path):
    facts = export.provenance_of(encoder, {"value_range": [0, 4095]})
    deep = export.tflite(encoder, tmp_path / "deep.tflite", provenance=facts)
    bands = export.tflite(make_encoder(channels=4), tmp_path / "bands.tflite")
    plain = export.tflite(encoder, tmp_path / "plain.tflite")
    found = [b"TFLITE_METADATA" in path.read_bytes() for path in (deep, bands, plain)]
    assert found == [False, False, True]
    described = json.loads(sidecar_path(deep).read_text())["input"]
    assert described["value_range"] == [0, 4095]
    assert described["meaning"].startswith("(value - low) / (high - low) of value_range")
    described = json.loads(sidecar_path(plain).read_text())["input"]
    assert (described["value_range"], described["meaning"][:11]) == (None, "pixel / 255")


def test_calibration_images_span_the_range():
    gray = calibration_images(np.full((8, 16, 16, 1), 100, np.uint8), 16, 16, 1)
    assert (gray.min(), gray.max()) == (0, 1)
    assert np.sum(gray != np.float32(100 / 255)) == 2


@pytest.mark.parametrize("cut", [0, 4, 100, -50])
def test_a_file_that_is_not_a_model(exported, cut):
    with pytest.raises(InputError, match="Export it again"):
        quantization(exported["none"].read_bytes()[:cut])
