"""The device's file as a device has it: copied elsewhere, beside a model, where TensorFlow cannot be imported."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

import byol_keras.export.device
from byol_keras import export
from byol_keras.data import open_source
from byol_keras.evaluation import embed

from ...data.hostile import png, png_chunk
from ...data.turned import blocks, folder_of

pytest.importorskip("ai_edge_litert")

FILE = Path(byol_keras.export.device.__file__).with_name("byol_device.py")
# What runs the copied file: every import of these fails, as where they are not installed.
ALONE = """
import runpy, sys
for name in ("tensorflow", "tf_keras", "keras", "byol_keras", "matplotlib", "sklearn", "scipy"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


# An untrained network can tell these colors apart, not the shapes.
GROUND = {"bars": (200, 60, 60), "disc": (60, 200, 60), "lines": (60, 60, 200)}


def draw(kind, generator):
    """An image of one of three kinds on a ground of about its own color, 60 by 44 pixels."""
    image = Image.new("RGB", (60, 44), tuple(int(c + generator.integers(-50, 50)) for c in GROUND[kind]))
    pen = ImageDraw.Draw(image)
    color = tuple(int(c) for c in generator.integers(0, 256, 3))
    x, y = (int(v) for v in generator.integers(0, 10, 2))
    if kind == "bars":
        for left in range(8 + x, 60, 8):
            pen.rectangle((left, 0, left + 3, 44), fill=color)
    elif kind == "disc":
        pen.ellipse((10 + x, 4 + y, 42 + x, 34 + y), fill=color)
    else:
        for top in range(y, 44, 8):
            pen.rectangle((0, top, 60, top + 3), fill=color)
    return image


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder with twelve images of each of three classes; also in other formats."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for kind in ("bars", "disc", "lines"):
        (folder / kind).mkdir()
        for i in range(12):
            draw(kind, generator).save(folder / kind / f"{i:02}{('.png', '.jpg', '.webp', '.bmp')[i % 4]}")
    return folder


@pytest.fixture(scope="module")
def device(encoder, photos, tmp_path_factory):
    """A folder as on the device: the copied file and models with their descriptions."""
    folder = tmp_path_factory.mktemp("device")
    shutil.copy(FILE, folder)
    export.tflite(encoder, folder / "encoder.tflite")
    export.tflite(encoder, folder / "int8.tflite", quantize="int8", calibration=photos)
    export.tflite(encoder, folder / "uint8.tflite", quantize="int8", calibration=photos, io="uint8")
    export.tflite(encoder, folder / "free.tflite", batch=None)
    export.tflite(encoder, folder / "five.tflite", batch=5)
    return folder


@pytest.fixture(scope="module")
def module(device):
    specification = importlib.util.spec_from_file_location("byol_device", device / "byol_device.py")
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def run(device, *arguments, code=0):
    """What the file prints, in a process of its own in the device's folder."""
    command = [sys.executable, "-I", "-c", ALONE, "byol_device.py", *map(str, arguments)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=device)
    assert process.returncode == code, process.stderr
    return process.stdout if code == 0 else process.stderr.strip().splitlines()[-1]


def test_the_file_needs_three_packages_and_no_more(device):
    code = "import sys; import byol_device; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    environment = {**os.environ, "PYTHONPATH": "."}
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, cwd=device, env=environment, check=True)
    modules = set(process.stdout.split())
    assert {"ai_edge_litert", "numpy", "PIL"} <= modules
    assert not {"tensorflow", "keras", "byol_keras", "matplotlib", "sklearn", "absl"} & modules


def test_where_the_file_lies_is_printed_without_tensorflow():
    command = [sys.executable, "-X", "importtime", "-m", "byol_keras.export.device"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout == f"{FILE}\n"
    imported = {line.split("|")[-1].strip() for line in process.stderr.splitlines()}
    assert "byol_keras.export.device" in imported
    assert not {"tensorflow", "keras", "numpy"} & imported


@pytest.mark.parametrize("model", ["encoder", "free", "five"])
def test_embeddings_are_those_of_keras(encoder, device, photos, tmp_path, model):
    names = [path for path in sorted(photos.rglob("*")) if path.is_file()]
    out = tmp_path / "embeddings.npy"
    assert run(device, "embed", f"{model}.tflite", *names, "--out", out) == f"36 embeddings of 48 numbers in {out}\n"
    reference = embed(encoder, open_source(photos))
    np.testing.assert_allclose(np.load(out), reference, atol=1e-4 * np.abs(reference).max())
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("model", ["int8", "uint8"])
def test_int8_embeddings_are_near_those_of_keras(encoder, device, photos, tmp_path, model):
    names = [path for path in sorted(photos.rglob("*")) if path.is_file()]
    run(device, "embed", f"{model}.tflite", *names, "--out", tmp_path / "e.npy")
    reference = embed(encoder, open_source(photos))
    ours, theirs = (vectors - reference.mean(axis=0) for vectors in (np.load(tmp_path / "e.npy"), reference))
    cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosine.mean() > 0.98


def test_compare(device, photos):
    same = float(run(device, "compare", "encoder.tflite", photos / "bars/00.png", photos / "bars/00.png"))
    other = float(run(device, "compare", "encoder.tflite", photos / "bars/00.png", photos / "disc/00.png"))
    assert same == pytest.approx(1, abs=1e-4)
    assert -1 <= other < 0.9999


@pytest.mark.parametrize("model", ["encoder", "uint8"])
def test_classes_enrolled_from_a_handful_of_photos(device, photos, tmp_path, model):
    examples = tmp_path / "examples.npz"
    for count, kind in enumerate(("bars", "disc", "lines"), start=1):
        images = sorted((photos / kind).iterdir())[:4]
        printed = run(device, "enroll", f"{model}.tflite", examples, kind, *images)
        assert printed == f"{4 * count} examples of {count} classes in {examples}\n"
    unseen = [path for kind in ("bars", "disc", "lines") for path in sorted((photos / kind).iterdir())[4:]]
    lines = run(device, "classify", f"{model}.tflite", examples, *unseen).splitlines()
    right = sum(line.split(": ")[1].startswith(path.parent.name) for line, path in zip(lines, unseen, strict=True))
    assert right >= 16  # of 24; 8 by chance
    # More examples of a class that is there join it.
    printed = run(device, "enroll", f"{model}.tflite", examples, "bars", photos / "bars/08.png")
    assert printed == f"13 examples of 3 classes in {examples}\n"
    assert list(tmp_path.iterdir()) == [examples]


def test_classify_is_the_cosine_to_the_mean_of_a_class(module, device, photos):
    encoder = module.Encoder(device / "encoder.tflite")
    examples = module.Examples(encoder)
    unit = {}
    for kind in ("bars", "disc"):
        source = sorted((photos / kind).iterdir())[:3]
        examples.add(kind, source)
        vectors = encoder.embed(source)
        mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
        unit[kind] = mean / np.linalg.norm(mean)
    query = encoder.embed([photos / "disc/09.jpg"])[0]
    expected = {kind: float(mean @ query / np.linalg.norm(query)) for kind, mean in unit.items()}
    found = examples.classify(photos / "disc/09.jpg")
    assert dict(found) == pytest.approx(expected, abs=1e-5)
    assert found == sorted(found, key=lambda pair: -pair[1])


def test_examples_of_another_encoder_are_refused(device, photos, tmp_path):
    examples = tmp_path / "examples.npz"
    run(device, "enroll", "encoder.tflite", examples, "bars", photos / "bars/00.png")
    before = examples.read_bytes()
    message = run(device, "enroll", "int8.tflite", examples, "disc", photos / "disc/00.png", code=2)
    assert "were made by another encoder" in message
    assert "another encoder" in run(device, "classify", "int8.tflite", examples, photos / "bars/00.png", code=2)
    assert examples.read_bytes() == before


def test_a_disk_that_fills_up_leaves_the_examples_as_they_were(device, photos, small_disk):
    examples = small_disk / "examples.npz"
    run(device, "enroll", "encoder.tflite", examples, "bars", *sorted((photos / "bars").iterdir()))
    before = examples.read_bytes()
    (small_disk / "other").write_bytes(bytes(48 * 1024))
    many = sorted((photos / "disc").iterdir()) * 20
    message = run(device, "enroll", "free.tflite", small_disk / "new.npz", "disc", *many, code=2)
    assert message.endswith("new.npz: No space left on device. What was there before still is.")
    message = run(device, "enroll", "encoder.tflite", examples, "disc", *many, code=2)
    assert "examples.npz: No space left on device" in message
    assert examples.read_bytes() == before
    assert {path.name for path in small_disk.iterdir()} == {"examples.npz", "other"}


def test_a_model_that_is_not_what_is_described(device, tmp_path, photos):
    for name in ("encoder.tflite", "encoder.tflite.json", "byol_device.py"):
        shutil.copy(device / name, tmp_path)
    image = photos / "bars/00.png"
    shutil.copy(device / "int8.tflite", tmp_path / "encoder.tflite")
    message = run(tmp_path, "compare", "encoder.tflite", image, image, code=2)
    assert "encoder.tflite is not the file that encoder.tflite.json describes" in message
    (tmp_path / "encoder.tflite.json").write_text(json.dumps(["no description"]))
    assert "is no description" in run(tmp_path, "compare", "encoder.tflite", image, image, code=2)
    (tmp_path / "encoder.tflite.json").unlink()
    assert run(tmp_path, "compare", "encoder.tflite", image, image) == "1.0000\n"
    for content in (b"", b"no model", (device / "encoder.tflite").read_bytes()[:-2000]):
        (tmp_path / "encoder.tflite").write_bytes(content)
        message = run(tmp_path, "compare", "encoder.tflite", image, image, code=2)
        assert "encoder.tflite is no encoder exported by byol_keras" in message
    assert "Cannot read the encoder absent" in run(tmp_path, "compare", "absent", image, image, code=2)


def test_bad_images_and_examples(module, device, photos, tmp_path):
    encoder = module.Encoder(device / "encoder.tflite")
    jpeg = (photos / "bars/01.jpg").read_bytes()
    for name, content in (("empty.jpg", b""), ("cut.jpg", jpeg[: len(jpeg) // 2]), ("text.png", b"no image")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(module.DeviceError, match=rf"Cannot decode .*{name}: "):
            encoder.embed([photos / "bars/00.png", tmp_path / name])
    with pytest.raises(module.DeviceError, match=r"absent.png: No such file"):
        encoder.embed([tmp_path / "absent.png"])
    with pytest.raises(module.DeviceError, match="No images to embed"):
        encoder.embed([])
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    with pytest.raises(module.DeviceError, match=r"Cannot read the examples .*bad\.npz.*Enroll them again"):
        module.Examples.load(tmp_path / "bad.npz", encoder)
    for wrong in (np.zeros((1, 32, 32, 3)), np.zeros((0, 32, 32, 3), np.float32), np.zeros((1, 32, 30, 3), np.float32)):
        with pytest.raises(module.DeviceError, match=r"must be float32 \(N, 32, 32, 3\).*Received: float"):
            encoder.run(wrong)
    examples = module.Examples(encoder)
    examples.add("bars", [photos / "bars/00.png"])
    with pytest.raises(module.DeviceError, match=r"enroll a second class. Received: classes \['bars'\]"):
        examples.classify(photos / "bars/00.png")
    with pytest.raises(module.DeviceError, match="needs a name"):
        examples.add(" ", [photos / "bars/00.png"])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16", "JPEG", "MPO"])
def test_images_of_any_kind_are_decoded_as_in_training(module, tmp_path, mode, channels):
    image = draw("disc", np.random.default_rng(3))
    path = tmp_path / ("a.jpg" if mode in ("CMYK", "JPEG", "MPO") else "a.png")
    if mode == "I;16":
        Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)
    elif mode in ("JPEG", "MPO"):
        image.save(path, mode, **({"save_all": True, "append_images": [image]} if mode == "MPO" else {}))
    else:
        image.convert(mode).save(path)
    ours = module.prepare(path, 44, 44, channels)
    from byol_keras.data.decode import decode

    expected = decode(str(path), channels)[:, 8:52] / np.float32(255)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_gray_of_a_jpeg_is_its_luma_and_an_image_that_is_passed_keeps_its_colors(module, tmp_path):
    # Such colors have lumas whose RGB is outside of 0 to 255, and is cut off there.
    noise = np.random.default_rng(0).integers(0, 2, (44, 44, 3)).astype(np.uint8) * 255
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    image = Image.open(tmp_path / "a.jpg")
    passed = module.prepare(image, 44, 44, 1)
    assert image.mode == "RGB"
    np.testing.assert_allclose(passed, np.asarray(image.convert("L"))[..., None] / np.float32(255), atol=1e-6)
    from byol_keras.data.decode import decode

    stored = decode(str(tmp_path / "a.jpg"), 1) / np.float32(255)
    np.testing.assert_allclose(module.prepare(tmp_path / "a.jpg", 44, 44, 1), stored, atol=1e-6)
    assert np.abs(passed - stored).max() > 0.02


@pytest.mark.parametrize("channels", [1, 3])
def test_the_transparent_level_of_a_gray_png_of_16_bits_is_white(module, tmp_path, channels):
    levels = np.array([[0x1234, 0x1235], [0x1134, 0]], ">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    (tmp_path / "a.png").write_bytes(png(rows, 2, 2, 16, 0, png_chunk(b"tRNS", b"\x12\x34")))
    found = np.round(255 * module.prepare(tmp_path / "a.png", 2, 2, channels))
    assert found.tolist() == [[[255] * channels, [0x12] * channels], [[0x11] * channels, [0] * channels]]
    opaque = png(rows, 2, 2, 16, 0)
    (tmp_path / "b.png").write_bytes(opaque)
    assert np.round(255 * module.prepare(tmp_path / "b.png", 2, 2, channels))[0, 0].tolist() == [0x12] * channels


def test_no_threads_and_a_folder_for_the_embeddings_are_one_line(module, device, photos, tmp_path, monkeypatch):
    image = photos / "bars/00.png"
    message = run(device, "--threads", "0", "compare", "encoder.tflite", image, image, code=2)
    assert message == "byol_device compare: The encoder runs on at least one thread. Received: threads=0"
    for out in (".", "..", device):
        # Before an image is read.
        message = run(device, "embed", "encoder.tflite", "absent.png", "--out", out, code=2)
        expected = f"Embeddings need a file, and not a folder: name one. Received: out={str(out)!r}"
        assert message == f"byol_device embed: {expected}"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(module.DeviceError, match=r"Cannot write \.: "):
        module.Examples(module.Encoder(device / "encoder.tflite")).save(".")
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_utf_8_are_printed(device, photos, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    shutil.copy(photos / "bars/00.png", path)
    for kind in ("bars", "disc"):
        run(device, "enroll", "encoder.tflite", tmp_path / "examples.npz", kind, photos / kind / "00.png")
    # As on a terminal in UTF-8.
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    command = [sys.executable, "byol_device.py", "classify", "encoder.tflite", tmp_path / "examples.npz", path]
    process = subprocess.run(command, capture_output=True, text=True, cwd=device, env=environment)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(f"{tmp_path}/caf\\udce9.png: bars 1.000, disc ")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_all_orientations_are_one_image(module, tmp_path, kind):
    upright = [module.prepare(path, 24, 24, 3) for path in sorted(folder_of(tmp_path, blocks(), kind).iterdir())]
    np.testing.assert_allclose(upright, np.stack([upright[0]] * 8), atol=4 / 255)
    np.testing.assert_allclose(upright[0], module.prepare(Image.fromarray(blocks()), 24, 24, 3), atol=4 / 255)
    once = Image.open(tmp_path / f"6.{kind.lower()}")
    np.testing.assert_array_equal(module.prepare(once, 24, 24, 3), upright[5])
    np.testing.assert_array_equal(module.prepare(ImageOps.exif_transpose(once), 24, 24, 3), upright[5])
    whole = module.prepare(tmp_path / f"6.{kind.lower()}", 80, 112, 3)
    np.testing.assert_allclose(whole, blocks() / np.float32(255), atol=4 / 255)


def test_damaged_exif_data_are_passed_over(module, tmp_path):
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    Image.fromarray(blocks()).save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's
        ours = module.prepare(tmp_path / "a.jpg", 24, 24, 3)
    np.testing.assert_allclose(ours, module.prepare(Image.fromarray(blocks()), 24, 24, 3), atol=4 / 255)


def test_an_image_of_too_many_pixels_is_not_decoded(module, tmp_path):
    (tmp_path / "large.png").write_bytes(png(b"", 9460, 9460, 8, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's
        with pytest.raises(module.DeviceError, match=r"Cannot decode .*large\.png: more than 89,478,485 pixels"):
            module.prepare(tmp_path / "large.png", 24, 24, 3)
    with pytest.raises(module.DeviceError, match="Cannot decode image: more than 89,478,485 pixels"):
        module.prepare(Image.new("1", (9460, 9460)), 24, 24, 3)
    from byol_keras.data.decode import pixel_limit

    assert pixel_limit() == module.MAX_PIXELS


def test_gray_and_not_square_encoders(module, make_encoder, tmp_path):
    image = draw("bars", np.random.default_rng(0))
    path = export.tflite(make_encoder(channels=1, size=(44, 60)), tmp_path / "gray.tflite")
    encoder = module.Encoder(path)
    assert (encoder.height, encoder.width, encoder.channels, encoder.dimension) == (44, 60, 1, 48)
    assert encoder.embed([image]).shape == (1, 48)
    with pytest.raises(
        module.DeviceError, match=r"takes images of 60 by 44 pixels only. Received: image of \(44, 44\)"
    ):
        encoder.embed([image.crop((0, 0, 44, 44))])


@pytest.fixture(scope="module")
def bands(make_encoder, tmp_path_factory):
    """Files of an encoder of 4 channels and of one of gray images of 12 bits, as their runs describe them."""
    folder = tmp_path_factory.mktemp("bands")
    made = {}
    for name, channels, value_range in (("bands", 4, None), ("deep", 1, [0, 4095])):
        made[name] = make_encoder(channels=channels)
        facts = export.provenance_of(made[name], {"value_range": value_range})
        export.tflite(made[name], folder / f"{name}.tflite", provenance=facts)
    return folder, made


def squares(values, high):
    """By hand: the central square, resized by Pillow, (1, 32, 32, C) float32 in [0, 1]."""
    top, left = ((side - min(values.shape[:2])) // 2 for side in values.shape[:2])
    square = values[top : top + min(values.shape[:2]), left : left + min(values.shape[:2])] / np.float32(high)
    planes = [Image.fromarray(np.float32(square[..., c])) for c in range(values.shape[2])]
    resized = [plane.resize((32, 32), Image.Resampling.BICUBIC) for plane in planes]
    return np.clip(np.stack(resized, axis=-1), 0, 1)[None]


def test_an_encoder_of_four_channels_takes_arrays(module, bands, device, tmp_path):
    folder, encoders = bands
    encoder = module.Encoder(folder / "bands.tflite")
    assert (encoder.channels, encoder.value_range) == (4, None)
    values = np.random.default_rng(0).integers(0, 65536, (40, 50, 4)).astype(np.uint16)
    np.save(tmp_path / "a.npy", values)
    np.save(tmp_path / "b.npy", (values >> 8).astype(np.uint8))
    for photos, numbers, high in ((["a.npy"], values, 65535), (["b.npy"], values >> 8, 255)):
        expected = encoders["bands"](squares(numbers, high), training=False).numpy()
        found = encoder.embed([tmp_path / name for name in photos])
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_array_equal(encoder.embed([values]), encoder.embed([tmp_path / "a.npy"]))
    # In a process of its own, as a device has it.
    shutil.copy(folder / "bands.tflite", device)
    assert float(run(device, "compare", "bands.tflite", tmp_path / "a.npy", tmp_path / "b.npy")) > 0.999
    for photo, message in (
        (draw("bars", np.random.default_rng(0)), "this encoder takes arrays, such as .npy"),
        (values[..., :3], r"an image is uint8 or uint16, \(H, W, 4\). Received: uint16 \(40, 50, 3\)"),
        (values / 65535, r"an image is uint8 or uint16, \(H, W, 4\). Received: float64 \(40, 50, 4\)"),
        (values[0], r"Received: uint16 \(50, 4"),
        (values[:0], "Cannot decode image: "),
    ):
        with pytest.raises(module.DeviceError, match=message):
            encoder.embed([photo])
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:500])
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    for name in ("cut", "objects"):
        with pytest.raises(module.DeviceError, match=rf"Cannot decode .*{name}\.npy: "):
            encoder.embed([tmp_path / f"{name}.npy"])


def test_an_encoder_of_12_bits_takes_them(module, bands, photos, tmp_path):
    folder, encoders = bands
    encoder = module.Encoder(folder / "deep.tflite")
    assert encoder.value_range == [0, 4095]
    values = np.random.default_rng(0).integers(0, 4096, (50, 40, 1)).astype(np.uint16)
    Image.fromarray(values[..., 0]).save(tmp_path / "a.png")
    expected = encoders["deep"](squares(values, 4095), training=False).numpy()
    for photo in (
        values,
        values[..., 0],
        values.astype(np.float32),
        tmp_path / "a.png",
        Image.open(tmp_path / "a.png"),
    ):
        found = encoder.embed([photo])
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    for photo, message in (
        (values + 4000, "values from 4000 to [0-9]+, outside of 0 to 4095"),
        (photos / "bars/01.jpg", "with a range and one channel gray PNG"),
        (photos / "bars/00.png", "with a range and one channel gray PNG"),
    ):
        with pytest.raises(module.DeviceError, match=message):
            encoder.embed([photo])
