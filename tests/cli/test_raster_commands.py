"""Runs on folders of rasters: every command that takes images beside a run reads them in the run's range."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import byol_keras as bk
import byol_keras.export.device
from byol_keras.cli.main import main

from ..data.rasters.raster_files import deep_png, dicom, npy, tiff

RECIPE = ["--backbone", "resnet8", "--image-size", "16", "--batch-size", "8", "--precision", "float32", "--epochs", "1"]
RANGE = (0, 4095)
DEVICE = Path(byol_keras.export.device.__file__).with_name("byol_device.py")


def scene(kind, i, channels, size=(20, 22)):
    """Stripes along or across, in 12 bits."""
    values = np.random.default_rng(2 * i + (kind == "along")).integers(300, 1500, (*size, channels))
    stripes = (slice(None), slice(i % 4, None, 4)) if kind == "along" else (slice(i % 4, None, 4),)
    values[stripes] += 2000
    return values.astype(np.uint16)


def write_folder(root, channels):
    """12 images of each of two classes: of 4 channels as TIFF and .npy in turn, of one as 16-bit PNG and DICOM."""
    for kind in ("along", "across"):
        (root / kind).mkdir(parents=True)
        for i in range(12):
            values = scene(kind, i, channels)
            if channels == 1:
                content = deep_png(values[..., 0]) if i % 2 else dicom(values[..., 0])
            else:
                content = npy(values) if i % 2 else tiff(values, photometric="minisblack", planarconfig="contig")
            end = {1: ("dcm", "png"), 4: ("tif", "npy")}[channels][i % 2]
            (root / kind / f"{i:02}.{end}").write_bytes(content)
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("rasters")
    return {channels: write_folder(root / str(channels), channels) for channels in (1, 4)}


@pytest.fixture(scope="module")
def runs(folders, tmp_path_factory):
    made = {}

    def run(channels):
        if channels not in made:
            out = tmp_path_factory.mktemp("runs") / str(channels)
            data = str(folders[channels])
            words = ["pretrain", "--data", data, "--out", str(out), *RECIPE, "--value-range", *map(str, RANGE)]
            assert main([*words, "--probe", data]) == 0
            made[channels] = out
        return made[channels]

    return run


def by_hand(values):
    """The central square, resized by Pillow, of 12 bits, as the encoder gets it: (1, 16, 16, C)."""
    left = (values.shape[1] - values.shape[0]) // 2
    square = values[:, left : left + values.shape[0]].astype(np.float32) / 4095
    planes = [
        Image.fromarray(square[..., c]).resize((16, 16), Image.Resampling.BICUBIC) for c in range(values.shape[2])
    ]
    return np.clip(np.stack(planes, axis=-1), 0, 1)[None]


@pytest.mark.slow
@pytest.mark.parametrize("channels", [4, 1])
def test_every_command_reads_them_in_the_range_of_the_run(channels, folders, runs, tmp_path, capfd):
    folder, data = runs(channels), str(folders[channels])
    run = bk.load_run(folder)
    assert (run.channels, run.value_range, run.encoder.input_shape[-1]) == (channels, [0.0, 4095.0], channels)
    images = np.stack([scene(kind, i, channels) for kind in ("across", "along") for i in range(12)])
    np.testing.assert_allclose(run.mean, images.mean(axis=(0, 1, 2)) / 4095, atol=0.005)
    query, out = str(folders[channels] / "along" / ("01.npy" if channels == 4 else "01.png")), str(tmp_path / "out.npz")
    for words in (
        ["evaluate", "--train", data, "--test", data],
        ["finetune", "--train", data, "--test", data, "--epochs", "1"],
        ["embed", "--data", data, "--out", out],
        ["embed", "--data", data, "--out", str(tmp_path / "out.parquet")],
        ["search", "--index", data, "--query", query, "--out", str(tmp_path / "found.html")],
        ["duplicates", "--data", data, "--out", str(tmp_path / "copies.html")],
        ["retrieval", "--index", data],
        ["label", "--data", data, "--next", "3"],
        ["doctor"],
    ):
        assert main([words[0], str(folder), *words[1:]]) == 0, (words, capfd.readouterr().err)
    made = np.load(out)
    place = made["names"].tolist().index("along/03." + ("npy" if channels == 4 else "png"))
    expected = run.encoder.predict(by_hand(scene("along", 3, channels)), verbose=0)[0]
    np.testing.assert_allclose(made["embeddings"][place], expected, rtol=1e-3, atol=1e-4)
    # The encoder's file by itself is read in the range of its run too.
    assert main(["embed", str(run.encoder_path), "--data", data, "--out", str(tmp_path / "file.npz")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "file.npz")["embeddings"], made["embeddings"])


@pytest.mark.slow
@pytest.mark.parametrize("channels", [4, 1])
def test_exports_and_the_device(channels, folders, runs, tmp_path, capfd):
    folder, data, out = runs(channels), str(folders[channels]), tmp_path / "ship"
    words = ["export", str(folder), "--out", str(out), "--quantize", "int8", "--labeled", data]
    assert main([*words, "--format", "all"]) == 0
    said = capfd.readouterr().err
    assert "there is no `serve_bytes`" in said
    assert "values from 0 to 4095" in said
    served = tf.saved_model.load(str(out / "encoder" / "1"))
    assert set(served.signatures) == {"serving_default"}
    assert main(["export", str(folder), "--out", str(tmp_path / "device"), "--format", "tflite"]) == 0
    described = json.loads((tmp_path / "device" / "encoder.tflite.json").read_text())
    assert described["input"]["value_range"] == [0, 4095]
    assert described["provenance"]["training"]["value_range"] == [0, 4095]
    assert "values from 0 to 4095 as 0 to 1" in (tmp_path / "device" / "README.md").read_text()

    shutil.copy(DEVICE, tmp_path / "device")
    sys.path.insert(0, str(tmp_path / "device"))
    try:
        import byol_device
    finally:
        sys.path.pop(0)
    encoder = byol_device.Encoder(tmp_path / "device" / "encoder.tflite")
    values = scene("along", 3, channels)
    (tmp_path / "a.npy").write_bytes(npy(values))
    photos = [tmp_path / "a.npy", values, values.astype(np.float32)]
    if channels == 1:
        photos += [folders[1] / "along" / "03.png", values[..., 0], Image.fromarray(values[..., 0])]
    expected = bk.load_run(folder).encoder.predict(by_hand(values), verbose=0)[0]
    for embedding in encoder.embed(photos):
        np.testing.assert_allclose(embedding, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        served.signatures["serving_default"](tf.constant(by_hand(values)))["embedding"][0],
        expected,
        rtol=1e-3,
        atol=1e-4,
    )
    assert main(["export", str(folder), "--web", str(tmp_path / "page")]) == 2
    assert "A browser decodes images to" in capfd.readouterr().err


@pytest.mark.slow
def test_what_goes_on_from_a_run_keeps_its_range(folders, runs, tmp_path, capfd):
    folder, data = runs(1), str(folders[1])
    run = bk.load_run(folder)
    before = run.encoder.get_weights()
    assert main(["pretrain", "--data", data, "--out", str(tmp_path / "on"), "--from", str(folder), *RECIPE]) == 0
    config = str(folder / "config.json")
    assert main(["pretrain", "--config", config, "--out", str(tmp_path / "again")]) == 0
    for name in ("on", "again"):
        assert bk.load_run(tmp_path / name).value_range == [0, 4095]
    for weight, expected in zip(bk.load_run(tmp_path / "again").encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert main(["pretrain", "--out", str(folder), "--resume", "--value-range", "0", "9"]) == 2
    assert "leave out --value-range" in capfd.readouterr().err


@pytest.mark.slow
def test_views_and_doctor_take_a_range(folders, tmp_path, capfd):
    drawn = str(tmp_path / "views.png")
    assert main(["views", "--data", str(folders[4]), "--out", drawn, "--value-range", "0", "4095"]) == 0
    pixels = np.asarray(Image.open(drawn))
    assert pixels.max() == 255
    words = ["doctor", "--data", str(folders[1]), "--batch-size", "8", "--backbone", "resnet8"]
    assert main([*words, "--value-range", "0", "4095"]) == 0
    capfd.readouterr()
    assert main(["doctor", "runs/none", "--value-range", "0", "4095"]) == 2
    assert "A run has its recipe" in capfd.readouterr().err


def test_bad_ranges_are_one_line(folders, tmp_path, capfd):
    pretrain = ["pretrain", "--data", str(folders[4]), "--out", str(tmp_path / "run"), *RECIPE]
    assert main([*pretrain, "--value-range", "5", "1"]) == 2
    assert "--value-range must be two numbers, the lower one first" in capfd.readouterr().err
    assert main([*pretrain, "--value-range", "0", "1023"]) == 2
    said = capfd.readouterr().err
    assert "24 of 24 images cannot be decoded: across/00.tif (values from " in said
    assert "outside of 0 to 1023" in said
    np.save(tmp_path / "float.npy", np.zeros((9, 9)))
    (tmp_path / "floats").mkdir()
    shutil.move(tmp_path / "float.npy", tmp_path / "floats" / "a.npy")
    pretrain[2] = str(tmp_path / "floats")
    assert main(pretrain) == 2
    assert "state their --value-range" in capfd.readouterr().err
    assert not (tmp_path / "run").exists()
