"""Runs of one channel from folders: every command that takes images beside a run reads them as its encoder does."""

import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_sample_images

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.runs.recipe import recipe_named
from byol_keras.workflows.pretrain import pretrain

RECIPE = ["--backbone", "resnet8", "--image-size", "16", "--batch-size", "8", "--precision", "float32", "--epochs", "1"]
RECIPE += ["--hidden-width", "32"]


def write_folder(folder, modes, per_class=12, seed=0):
    """Two classes of 20 pixels, stripes along and across, stored in the modes in turn, as PNG and JPEG in turn."""
    generator = np.random.default_rng(seed)
    for kind, axis in (("along", 0), ("across", 1)):
        (folder / kind).mkdir(parents=True)
        for i in range(per_class):
            pixels = generator.integers(40, 160, (20, 20, 3), np.uint8)
            pixels[(slice(None),) * axis + (slice(i % 4, None, 4),)] += 90
            image = Image.fromarray(pixels).convert(modes[i % len(modes)])
            image.save(folder / kind / f"{i}.{('png', 'jpg')[i // 2 % 2]}", quality=95)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("folders")
    kinds = {"gray": "L", "color": ("RGB",), "mixed": ("L", "RGB")}
    return {name: write_folder(root / name, modes, seed=seed) for seed, (name, modes) in enumerate(kinds.items())}


@pytest.fixture(scope="module")
def gray_run(folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "gray"
    flags = ["--probe", str(folders["mixed"]), "--checkpoint-steps", "2"]
    assert main(["pretrain", "--data", str(folders["gray"]), "--out", str(out), *RECIPE, *flags]) == 0
    return out


def pretrained(capfd, data, out, *flags):
    assert main(["pretrain", "--data", str(data), "--out", str(out), *RECIPE, *flags]) == 0
    return bk.load_run(out), capfd.readouterr()


def test_a_gray_folder_trains_with_one_channel(gray_run):
    run = bk.load_run(gray_run)
    assert (run.channels, len(run.mean), run.encoder.input_shape) == (1, 1, (None, 16, 16, 1))
    assert "knn" in run.history_path.read_text()  # by a probe of colors


def test_it_is_resumed_with_one_channel(gray_run, tmp_path):
    run = bk.load_run(gray_run)
    before = run.encoder.get_weights()
    run.encoder_path.unlink()
    assert main(["pretrain", "--out", str(gray_run), "--resume"]) == 0
    for weight, expected in zip(bk.load_run(gray_run).encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "flags", "channels"),
    [("mixed", (), 3), ("gray", ("--channels", "3"), 3), ("color", ("--channels", "1"), 1)],
)
def test_the_channels_of_a_run(data, flags, channels, folders, tmp_path, capfd):
    run, printed = pretrained(capfd, folders[data], tmp_path / "run", *flags)
    assert run.channels == channels
    assert "Channels:" not in printed.out


@pytest.mark.slow
def test_a_config_and_a_start_bring_their_channels(gray_run, folders, tmp_path, capfd):
    said = "Channels: 1, as all images are gray; `channels` sets another."
    run, printed = pretrained(capfd, folders["color"], tmp_path / "again", "--config", str(gray_run / "config.json"))
    assert (run.channels, said in printed.out) == (1, False)
    run, printed = pretrained(
        capfd, folders["gray"], tmp_path / "auto", "--config", str(gray_run / "config.json"), "--channels", "auto"
    )
    assert (run.channels, said in printed.out) == (1, True)
    assert pretrained(capfd, folders["mixed"], tmp_path / "on", "--from", str(gray_run))[0].channels == 1


def test_bad_channels_are_one_line(gray_run, folders, tmp_path, capfd):
    with pytest.raises(SystemExit):
        main(["pretrain", "--out", str(tmp_path / "run"), "--data", str(folders["gray"]), "--channels", "2"])
    assert "argument --channels: invalid choice: '2'" in capfd.readouterr().err
    assert main(["pretrain", "--out", str(gray_run), "--resume", "--channels", "3"]) == 2
    assert "leave out --channels" in capfd.readouterr().err
    with pytest.raises(bk.InputError, match=r"Images of 2 channels are needed \(1 gray, 3 color\), these have 3: only"):
        pretrain(str(folders["gray"]), tmp_path / "run", recipe_named("short"), channels=2)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["gray", "mixed"])
def test_every_command_reads_images_as_the_encoder_does(data, gray_run, folders, tmp_path, capfd):
    folder, query = str(folders[data]), str(folders["color"] / "along" / "0.png")
    train_and_test = ["--train", str(folders["gray"]), "--test", folder]
    for words in (
        ["evaluate", *train_and_test],
        ["evaluate", *train_and_test, "--probe", "sgd"],
        ["finetune", *train_and_test, "--epochs", "1"],
        ["embed", "--data", folder, "--out", str(tmp_path / "out.npz")],
        ["embed", "--data", folder, "--out", str(tmp_path / "out.parquet")],
        ["search", "--index", folder, "--query", query, "--out", str(tmp_path / "found.html")],
        ["duplicates", "--data", folder, "--out", str(tmp_path / "copies.html")],
        ["retrieval", "--index", folder],
        ["label", "--data", folder, "--next", "3"],
        ["doctor"],
    ):
        assert main([words[0], str(gray_run), *words[1:]]) == 0, (words, capfd.readouterr().err)
    embeddings = np.load(tmp_path / "out.npz")["embeddings"]
    assert len(embeddings) == 24
    assert np.isfinite(embeddings).all()


def test_what_is_evaluated_and_embedded_becomes_gray(gray_run, folders, tmp_path):
    train, test = str(folders["color"]), str(folders["gray"])
    assert main(["evaluate", str(gray_run), "--train", train, "--test", test]) == 0
    assert main(["embed", str(gray_run), "--data", train, "--out", str(tmp_path / "out.npz")]) == 0
    made = np.load(tmp_path / "out.npz")
    # By hand, of one PNG: its luma, resized as evaluation does.
    place = made["names"].tolist().index("along/0.png")
    gray = np.asarray(Image.open(folders["color"] / "along" / "0.png").convert("L"), np.float32)
    resized = Image.fromarray(gray).resize((16, 16), Image.Resampling.BICUBIC)
    image = np.clip(np.asarray(resized)[None, ..., None] / 255, 0, 1)
    expected = bk.load_run(gray_run).encoder.predict(image, verbose=0)[0]
    np.testing.assert_allclose(made["embeddings"][place], expected, rtol=1e-3, atol=1e-4)


def test_views_and_doctor_show_what_pretrain_would_do(folders, tmp_path, capfd):
    assert main(["views", "--data", str(folders["gray"]), "--out", str(tmp_path / "views.png")]) == 0
    pixels = np.asarray(Image.open(tmp_path / "views.png"))
    assert (pixels == pixels[..., :1]).all()
    assert main(["doctor", "--data", str(folders["gray"]), "--batch-size", "8", "--backbone", "resnet8"]) == 0


def bands(folder, channels, name="bands.npz"):
    """Crops of two photographs that scikit-learn ships, with further channels of their colors, in 12 bits."""
    crops = []
    for photo in load_sample_images().images:
        tops, lefts = range(20, 400, 90), range(20, 600, 120)
        crops += [photo[top : top + 40 : 2, left : left + 40 : 2] for top in tops for left in lefts]
    colors = np.stack(crops).astype(np.uint16)
    more = [colors, colors.max(axis=-1, keepdims=True), colors.min(axis=-1, keepdims=True)]
    images = np.concatenate(more, axis=-1)[..., -channels:] * 16 + 7
    labels = np.repeat([0, 1], len(crops) // 2)
    np.savez(folder / name, images=images, labels=labels, class_names=["temple", "flower"], value_range=(0, 4095))
    return str(folder / name), images


@pytest.mark.slow
@pytest.mark.parametrize("channels", [4, 1])
def test_12_bits_of_any_channels(channels, tmp_path, capfd):
    data, images = bands(tmp_path, channels)
    run, _ = pretrained(capfd, data, tmp_path / "run", "--probe", data)
    assert (run.channels, run.encoder.input_shape[-1]) == (channels, channels)
    assert run.value_range == [0, 4095]
    np.testing.assert_allclose(run.mean, images.mean(axis=(0, 1, 2)) / 4095, atol=0.005)
    out = str(tmp_path / "out.npz")
    for words in (
        ["evaluate", "--train", data, "--test", data],
        ["finetune", "--train", data, "--test", data, "--epochs", "1"],
        ["embed", "--data", data, "--out", out],
        ["duplicates", "--data", data, "--out", str(tmp_path / "copies.html")],
        ["export", "--out", str(tmp_path / "ship"), "--format", "all"],
        ["doctor"],
    ):
        assert main([words[0], str(run.folder), *words[1:]]) == 0, (words, capfd.readouterr().err)
    assert main(["views", "--data", data, "--out", str(tmp_path / "views.png")]) == 0
    served = tf.saved_model.load(str(tmp_path / "ship" / "encoder" / "1")).signatures["serving_default"]
    assert served.structured_input_signature[1]["images"].dtype == tf.float32
    described = json.loads((tmp_path / "ship" / "encoder.tflite.json").read_text())
    assert described["input"]["value_range"] == [0, 4095]
    # By hand: all 12 bits of the central square reach the encoder.
    square = Image.fromarray(images[3, ..., 0].astype(np.float32) / 4095).resize((16, 16), Image.Resampling.BICUBIC)
    others = [Image.fromarray(images[3, ..., c].astype(np.float32) / 4095) for c in range(1, channels)]
    planes = [square, *(other.resize((16, 16), Image.Resampling.BICUBIC) for other in others)]
    image = np.stack([np.clip(np.asarray(plane), 0, 1) for plane in planes], axis=-1)[None]
    expected = run.encoder.predict(image, verbose=0)[0]
    np.testing.assert_allclose(np.load(out)["embeddings"][3], expected, rtol=1e-3, atol=1e-4)
    if channels == 4:
        np.savez(tmp_path / "color.npz", images=np.zeros((24, 20, 20, 3), np.uint8), labels=np.arange(24) % 2)
        assert main(["embed", str(run.folder), "--data", str(tmp_path / "color.npz"), "--out", out]) == 2
        said = "Images of 4 channels are needed (1 gray, 3 color), these have 3: only gray can be read as color"
        assert said in capfd.readouterr().err
        assert main(["pretrain", "--out", str(run.folder) + "2", "--channels", "3", "--data", data, *RECIPE]) == 2
        assert "Images of 3 channels are needed (1 gray, 3 color), these have 4" in capfd.readouterr().err


@pytest.mark.slow
def test_exports_of_one_channel(gray_run, folders, tmp_path, capfd):
    labeled = ["--labeled", str(folders["color"])]
    for format in ("tflite", "saved_model"):
        out = tmp_path / format
        assert main(["export", str(gray_run), "--out", str(out), "--format", format, *labeled]) == 0
        assert json.loads((out / "parity.json").read_text())
