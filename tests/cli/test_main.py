"""The command line on real files; commands run in this process unless the process itself is what is tested."""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from PIL import Image

import byol_keras as bk
from byol_keras.callbacks.checkpoint import checkpoints
from byol_keras.cli.main import COMMANDS, main
from byol_keras.export import LinearHead
from byol_keras.utils.checksum import sha256_of, write_checksum
from byol_keras.utils.memory import available_memory

CLASSES = ("bars", "dots", "flat")


def draw(kind, generator):
    """A 24-pixel RGB image of one of three kinds that a small network can tell apart."""
    image = np.full((24, 24, 3), generator.integers(40, 200), np.uint8)
    if kind == "bars":
        image[:, generator.integers(1, 4) :: 4] = 255
    elif kind == "dots":
        image[generator.integers(1, 6) :: 6, generator.integers(1, 6) :: 6] = 255
    return image


def write_folder(folder, per_class, seed):
    generator = np.random.default_rng(seed)
    for kind in CLASSES:
        (folder / kind).mkdir(parents=True)
        for i in range(per_class):
            Image.fromarray(draw(kind, generator)).save(folder / kind / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    return write_folder(folder / "train", 16, 0), write_folder(folder / "test", 8, 1)


def pretrain_arguments(data, out, epochs):
    sizes = ["--image-size", "16", "--batch-size", "16", "--precision", "float32", "--checkpoint-steps", "6"]
    sizes += ["--backbone", "resnet8", "--hidden-width", "64"]
    return ["pretrain", "--data", str(data), "--out", str(out), "--epochs", str(epochs), "--seed", "3", *sizes]


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert main(pretrain_arguments(images[0], out, 3)) == 0
    return out


def failure(capfd, *arguments):
    """Runs a command that must fail on bad input; gives its one line of explanation."""
    capfd.readouterr()
    assert main([str(a) for a in arguments]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_run_holds_everything_and_nothing_partial(run):
    config = json.loads((run / "config.json").read_text())
    assert config["recipe"]["epochs"] == 3
    assert config["seed"] == 3
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2]
    # BYOL's loss, less the coding rate, of at most log(1 + 256 / (16 * 0.2**2)) / 2 for 16 vectors of 256.
    assert all(-3 < float(row["loss"]) <= 8 for row in rows)
    assert float(rows[-1]["tau"]) > float(rows[0]["tau"])
    assert list((run / "logs").rglob("events.out.tfevents.*"))
    assert not [path for path in run.rglob("*") if ".part" in path.name]
    encoder = keras.models.load_model(run / "encoder.keras")
    assert encoder.input_shape == (None, 16, 16, 3)
    # Without a probe the best epoch is that of the highest rank; here the first, which is not the last.
    ranks = [float(row["embedding_rank"]) for row in rows]
    best = keras.models.load_model(run / "best_encoder.keras").get_weights()
    same = all(np.array_equal(*pair) for pair in zip(best, encoder.get_weights(), strict=True))
    assert same == (int(np.argmax(ranks)) == 2)
    assert {v.dtype for v in encoder.variables} == {"float32"}


def test_evaluate_prints_trained_beside_untrained(run, images, capsys):
    assert main(["evaluate", str(run), "--train", str(images[0]), "--test", str(images[1])]) == 0
    printed = capsys.readouterr().out
    assert "untrained" in printed
    assert "gain" in printed
    assert "majority class" in printed
    results = json.loads((run / "results" / "evaluation.json").read_text())
    assert [result["metric"] for result in results] == ["accuracy", "balanced accuracy"] * 2
    for result in results:
        assert all(0 <= score <= 1 for scores in result["scores"].values() for score in scores)
    # Bars, dots and nothing: even the untrained network is far above chance.
    assert results[2]["scores"]["pretrained"][0] > 0.5


def test_evaluate_by_the_papers_protocol(run, images):
    arguments = ["evaluate", str(run), "--train", str(images[0]), "--test", str(images[1]), "--probe", "sgd"]
    assert main(arguments) == 0
    *_, by_linear, _ = json.loads((run / "results" / "evaluation.json").read_text())
    assert by_linear["settings"]["fitted_by"] == "sgd"
    assert by_linear["scores"]["pretrained"][0] > 0.5


def test_embed_writes_vectors_with_names_and_labels(run, images, tmp_path):
    out = tmp_path / "embeddings.npz"
    assert main(["embed", str(run), "--data", str(images[1]), "--out", str(out)]) == 0
    with np.load(out) as arrays:
        assert arrays["embeddings"].shape == (24, 128)
        assert arrays["names"][0] == "bars/0.png"
        assert list(arrays["class_names"]) == list(CLASSES)
        np.testing.assert_array_equal(arrays["labels"], np.repeat([0, 1, 2], 8))
        encoder = keras.models.load_model(run / "encoder.keras")
        image = np.asarray(Image.open(images[1] / "bars" / "0.png").resize((16, 16), Image.Resampling.BICUBIC))
        # Pillow rounds the resized pixels to bytes, the pipeline does not.
        np.testing.assert_allclose(
            arrays["embeddings"][0], encoder(image[None] / np.float32(255))[0], atol=0.02, rtol=0.02
        )


def test_views_of_one_image(images, tmp_path):
    (tmp_path / "one").mkdir()
    shutil.copy(images[0] / "bars" / "0.png", tmp_path / "one")
    assert main(["views", "--data", str(tmp_path / "one"), "--out", str(tmp_path / "views.png")]) == 0
    with Image.open(tmp_path / "views.png") as image:
        assert image.size == (100 + 4, 3 * 100 + 4)


def test_views_draws_three_rows(images, tmp_path):
    out = tmp_path / "views.png"
    assert main(["views", "--data", str(images[0]), "--out", str(out)]) == 0
    with Image.open(out) as image:
        assert image.size == (12 * 100 + 4, 3 * 100 + 4)
        # The views of an image are not the image.
        pixels = np.asarray(image).reshape(-1, image.size[0], 3)
    assert not np.array_equal(pixels[4:100, 4:100], pixels[104:200, 4:100])
    assert not np.array_equal(pixels[104:200, 4:100], pixels[204:300, 4:100])


def test_views_are_drawn_side_by_side(images, tmp_path, capsys):
    def rows(*flags):
        out = tmp_path / "views.png"
        assert main(["views", "--data", str(images[0]), "--views", "photos", "faces", *flags, "--out", str(out)]) == 0
        assert "view 1 and view 2 below, for photos, faces in turn" in capsys.readouterr().out
        with Image.open(out) as image:
            assert image.size == (12 * 100 + 4, 5 * 100 + 4)
            return np.asarray(image)[100:196], np.asarray(image)[300:396]

    photos, faces = rows()
    assert not np.array_equal(photos, faces)
    # They differ in the crops alone: the draws are the same.
    np.testing.assert_array_equal(*rows("--crop-area", "1"))


FOR_SERVERS = ("models.config", "batching.config", "compose.yaml", "client")


def test_export_writes_both_formats_and_checks_them(run, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "ship")]) == 0
    assert "yes" in capsys.readouterr().out
    assert (tmp_path / "ship/encoder/1/saved_model.pb").is_file()
    assert (tmp_path / "ship/encoder.tflite").is_file()
    assert len(json.loads((tmp_path / "ship/parity.json").read_text())) == 2
    compose = tmp_path / "ship/compose.yaml"
    compose.write_text(compose.read_text().replace("8501:8501", "80:8501"))
    assert main(["export", str(run), "--out", str(tmp_path / "ship"), "--format", "saved_model"]) == 0
    assert (tmp_path / "ship/encoder/2/saved_model.pb").is_file()
    assert "80:8501" in compose.read_text()
    assert (tmp_path / "ship/client/rest_client.py").is_file()


def test_export_of_one_file_for_each_quantization(run, images, tmp_path, capsys):
    out = tmp_path / "ship"
    flags = ["--format", "tflite", "--quantize", "all", "--labeled", str(images[0]), "--batch", "any"]
    assert main(["export", str(run), "--out", str(out), "--io", "uint8", *flags]) == 0
    printed = capsys.readouterr().out
    assert "20-NN %" in printed
    assert "by the labels of 48" in printed
    names = ["encoder.tflite", "encoder-float16.tflite", "encoder-dynamic.tflite", "encoder-int8-uint8.tflite"]
    described = {*names, *(f"{name}.json" for name in names)}
    assert {path.name for path in out.iterdir()} == {*described, "README.md", "parity.json"}
    entries = json.loads((out / "parity.json").read_text())
    assert [entry["artifact"] for entry in entries] == names
    for entry in entries:
        assert abs(entry["knn"] - entry["knn_keras"]) < 0.2
        assert json.loads((out / f"{entry['artifact']}.json").read_text())["input"]["shape"][0] is None


def test_export_says_what_is_wrong_and_leaves_nothing(run, images, tmp_path, capfd):
    out = tmp_path / "ship"

    def said(*flags, encoder=run):
        line = failure(capfd, "export", encoder, "--out", out, *flags)
        assert not out.exists()
        return line

    (tmp_path / "three").mkdir()
    for i in range(3):
        Image.fromarray(draw("bars", np.random.default_rng(i))).save(tmp_path / "three" / f"{i}.png")
    (tmp_path / "none").mkdir()
    few = said("--quantize", "int8", "--calibration", tmp_path / "three")
    assert "needs at least 8 calibration images" in few
    assert "3 images in" in few
    assert "No images in" in said("--quantize", "int8", "--calibration", tmp_path / "none")
    assert "no labels" in said("--labeled", tmp_path / "three")
    assert "takes and gives integers" in said("--io", "int8")
    assert "are for a .tflite" in said("--format", "onnx", "--quantize", "int8")
    assert "its images are not known: name some" in said(encoder=run / "encoder.keras")
    np.savez(tmp_path / "bands.npz", images=np.zeros((9, 16, 16, 4), np.uint8))
    assert "3 channels are needed" in said("--calibration", tmp_path / "bands.npz")
    with pytest.raises(SystemExit):
        main(["export", str(run), "--out", str(out), "--batch", "0"])
    assert "must be a whole number from 1, or any; received '0'" in capfd.readouterr().err
    out.write_text("a file")
    assert "is not a folder" in failure(capfd, "export", run, "--out", out, "--format", "tflite")
    assert out.read_text() == "a file"


class Noise(keras.layers.Layer):
    """Never gives the same twice, so no file can agree with it."""

    def call(self, inputs):
        return inputs + tf.random.uniform(tf.shape(inputs))


def test_an_export_that_differs_is_not_left_where_it_would_be_taken(run, images, tmp_path, capfd):
    ship = tmp_path / "ship"
    assert main(["export", str(run), "--out", str(ship), "--format", "saved_model"]) == 0
    inputs = keras.Input((16, 16, 3))
    noisy = keras.Model(inputs, Noise()(keras.layers.GlobalAveragePooling2D()(inputs)), name="noisy")
    noisy.save(tmp_path / "noisy.keras")
    capfd.readouterr()
    with keras.saving.custom_object_scope({"Noise": Noise}):
        flags = ["--out", str(ship), "--format", "saved_model", "--calibration", str(images[0])]
        assert main(["export", str(tmp_path / "noisy.keras"), *flags]) == 1
    assert "differ from Keras" in capfd.readouterr().err
    assert {path.name for path in ship.iterdir()} == {"README.md", "encoder", "parity.json", *FOR_SERVERS}
    assert "noisy" not in (ship / "README.md").read_text()
    assert [path.name for path in (ship / "encoder").iterdir()] == ["1"]
    (parity,) = json.loads((ship / "parity.json").read_text())
    assert not parity["passed"]


def test_excluded_images_do_not_calibrate(run, tmp_path, capfd):
    shutil.copytree(run, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["exclude"] = ["bars", "dots", *(f"flat/{i}.png" for i in range(9))]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    flags = ["--out", tmp_path / "ship", "--format", "tflite", "--quantize", "int8"]
    said = failure(capfd, "export", tmp_path / "run", *flags)
    assert "needs at least 8 calibration images" in said
    assert "7 images in" in said


@pytest.mark.parametrize(
    ("format", "files"),
    [
        pytest.param("onnx", ["encoder.onnx", "encoder.onnx.json"], marks=pytest.mark.slow),
        ("openvino", ["encoder.bin", "encoder.xml", "encoder.xml.json"]),
    ],
)
def test_export_for_other_runtimes(format, files, run, tmp_path):
    assert main(["export", str(run), "--out", str(tmp_path / "ship"), "--format", format]) == 0
    assert sorted(path.name for path in (tmp_path / "ship").iterdir()) == ["README.md", *files, "parity.json"]
    (parity,) = json.loads((tmp_path / "ship/parity.json").read_text())
    assert parity["format"] == format
    assert parity["passed"]


def test_export_with_a_head_names_classes(run, tmp_path, capfd):
    encoder = keras.models.load_model(run / "encoder.keras")
    weights = np.random.default_rng(0).normal(size=(encoder.output_shape[-1], 2))
    head = LinearHead(weights, np.zeros(2), ("lynx", "otter"))
    head.save(tmp_path / "head.npz")
    flags = ["--head", str(tmp_path / "head.npz"), "--out", str(tmp_path / "ship"), "--format", "saved_model"]
    assert main(["export", str(run), *flags]) == 0
    assert {path.name for path in (tmp_path / "ship").iterdir()} == {
        "classifier",
        "README.md",
        "parity.json",
        *FOR_SERVERS,
    }
    assert "does not say which encoder" in capfd.readouterr().err
    (parity,) = json.loads((tmp_path / "ship/parity.json").read_text())
    assert parity["passed"]
    assert parity["predictions"] < 1e-3
    assert "has a head of its own" in failure(capfd, "export", run, *flags, "--classifier")
    LinearHead(np.zeros((3, 2)), np.zeros(2), ("lynx", "otter")).save(tmp_path / "head.npz")
    assert main(["export", str(run), *flags]) == 2
    assert "of another encoder" in capfd.readouterr().err


def test_export_says_what_made_it(run, tmp_path, capfd):
    ship = tmp_path / "ship"
    ship.mkdir()
    (ship / "README.md").write_text("# Mine\n")
    flags = ["--out", str(ship), "--format", "saved_model", "--license", "cc-by-4.0"]
    assert main(["export", str(run), *flags]) == 0
    facts = json.loads((ship / "encoder/1/assets.extra/provenance.json").read_text())
    config = json.loads((run / "config.json").read_text())
    assert facts["license"] == "cc-by-4.0"
    assert facts["training"]["checksum"] == config["checksum"]
    assert (facts["training"]["source"], facts["training"]["image_count"]) == ("train", 48)
    assert facts["training"]["recipe"] == config["recipe"]
    assert (ship / "README.md").read_text() == "# Mine\n"
    for card in (ship / "MODEL_CARD.md", ship / "encoder/1/assets.extra/README.md"):
        front = yaml.safe_load(card.read_text().split("---\n")[1])
        assert (front["library_name"], front["license"]) == ("byol_keras", "cc-by-4.0")
        assert config["checksum"] in card.read_text()
    assert "- `encoder/1`" in (ship / "MODEL_CARD.md").read_text()
    capfd.readouterr()
    assert "A license is a name in one line" in failure(capfd, "export", run, *flags[:-1], " ")


def test_export_on_a_disk_that_fills_up(run, tmp_path, capfd):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        line = failure(capfd, "export", run, "--out", disk / "ship", "--format", "tflite")
        assert "encoder.tflite: No space left on device" in line
        assert not [path for path in disk.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture
def unfinished(run, tmp_path):
    """A copy of the run as if it had been stopped before the encoder was written."""
    shutil.copytree(run, tmp_path / "unfinished")
    (tmp_path / "unfinished" / "encoder.keras").unlink()
    return tmp_path / "unfinished"


@pytest.mark.slow
def test_a_run_whose_images_have_changed_goes_on_with_those_it_had(unfinished, images, tmp_path, capfd):
    (_, last), (earlier, _) = checkpoints(unfinished / "checkpoints")
    assert earlier == 6
    last.unlink()
    shutil.copytree(images[0], tmp_path / "changed")
    (tmp_path / "changed" / "bars" / "0.png").unlink()
    shutil.copy(images[1] / "dots" / "0.png", tmp_path / "changed" / "dots" / "new.png")
    config = json.loads((unfinished / "config.json").read_text())
    # Where the images lie may be changed: they may have been moved.
    (unfinished / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "changed")}))
    assert main(["pretrain", "--out", str(unfinished), "--resume"]) == 0
    said = capfd.readouterr()
    assert "1 images are gone since the run was begun, and the next ones take their places: bars/0.png" in said.err
    assert "on 48 images" in said.out
    assert (unfinished / "encoder.keras").exists()


def test_a_run_that_lost_many_of_its_images_is_not_resumed(unfinished, images, tmp_path, capfd):
    shutil.copytree(images[0], tmp_path / "fewer")
    shutil.rmtree(tmp_path / "fewer" / "bars")
    config = json.loads((unfinished / "config.json").read_text())
    (unfinished / "config.json").write_text(json.dumps({**config, "data": str(tmp_path / "fewer")}))
    said = failure(capfd, "pretrain", "--out", unfinished, "--resume")
    assert "16 of the 48 images that" in said
    assert "bars/0.png, " in said
    assert not (unfinished / "encoder.keras").exists()


@pytest.mark.parametrize(("name", "value"), [("epochs", 4), ("batch_size", 8), ("learning_rate", 1.0)])
def test_a_run_whose_config_was_edited_is_not_resumed(unfinished, capfd, name, value):
    config = json.loads((unfinished / "config.json").read_text())
    config["recipe"][name] = value
    (unfinished / "config.json").write_text(json.dumps(config))
    assert "config.json was changed after the run was begun" in failure(
        capfd, "pretrain", "--out", unfinished, "--resume"
    )
    # What it is good for is another run.
    assert bk.load_run(unfinished).recipe.epochs == config["recipe"]["epochs"]


def test_updates_skipped_in_float16_do_not_repeat_an_epoch(unfinished):
    # The optimizer does not count an update that overflowed: 8 of the 9 of three epochs.
    (step, checkpoint), *_ = checkpoints(unfinished / "checkpoints")
    model = keras.models.load_model(checkpoint)
    assert int(model.optimizer.iterations) == step == 9
    model.optimizer.iterations.assign(8)
    model.save(checkpoint)
    write_checksum(checkpoint, sha256_of(checkpoint))
    history = (unfinished / "history.csv").read_text()
    assert main(["pretrain", "--out", str(unfinished), "--resume"]) == 0
    encoder = keras.models.load_model(unfinished / "encoder.keras")
    for weight, trained in zip(encoder.get_weights(), model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, trained)
    assert (unfinished / "history.csv").read_text() == history


def test_a_finished_run_is_not_resumed_and_not_overwritten(run, images, capfd):
    assert "finished" in failure(capfd, "pretrain", "--out", run, "--resume")
    assert "--resume" in failure(capfd, "pretrain", "--data", images[0], "--out", run)
    assert "--epochs must be above the 3 that" in failure(capfd, "pretrain", "--out", run, "--resume", "--epochs", "3")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--recipe", "nonesuch"], "nonesuch"),
        (["--backbone", "vgg"], "vgg"),
        (["--image-size", "0"], "--image-size"),
        (["--epochs", "0"], "--epochs"),
        (["--batch-size", "64"], "larger than the data, 48 images"),
        (["--probe", "missing"], "No such file or folder: 'missing'"),
        (["--batch-size", "1"], "at least 2"),
        (["--precision", "int4"], "int4"),
        (["--crop-area", "0"], "--crop-area"),
        (["--crop-area", "1.5"], "--crop-area"),
        (["--checkpoint-minutes", "0"], "--checkpoint-minutes between checkpoints must be above 0"),
        (["--checkpoint-minutes", "nan"], "--checkpoint-minutes"),
        (["--checkpoint-steps", "0"], "--checkpoint-steps between checkpoints must be 1 or more"),
        (["--seed", "-1"], "--seed must be a whole number from 0 to"),
        (["--seed", "20261122101500"], "--seed must be a whole number from 0 to"),
    ],
)
def test_bad_flags_are_one_line_and_leave_nothing(flags, said, images, tmp_path, capfd):
    out = tmp_path / "run"
    assert said in failure(capfd, "pretrain", "--data", images[0], "--out", out, *flags)
    assert not out.exists()


def test_bad_sources_are_one_line(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    for i in range(3):
        (tmp_path / "broken" / f"{i}.jpg").write_bytes(b"\xff\xd8\xff not an image")
    for source in ("missing", "empty", "broken"):
        message = failure(capfd, "pretrain", "--data", tmp_path / source, "--out", tmp_path / "run")
        assert str(tmp_path / source) in message
        assert not (tmp_path / "run").exists()


def test_one_broken_file_among_good_ones_is_named_and_excluded(tmp_path, capfd):
    folder = write_folder(tmp_path / "data", 6, 0)
    (folder / "bars" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    assert main(["views", "--data", str(folder), "--out", str(tmp_path / "views.png")]) == 0
    assert "bars/cut.jpg" in capfd.readouterr().err


def test_evaluate_wants_labels_and_the_same_classes(run, images, tmp_path, capfd):
    Image.fromarray(draw("bars", np.random.default_rng(0))).save(tmp_path / "alone.png")
    assert "no labels" in failure(capfd, "evaluate", run, "--train", tmp_path, "--test", images[1])
    other = write_folder(tmp_path / "other", 2, 0)
    (other / "flat").rename(other / "flats")
    assert "same classes" in failure(capfd, "evaluate", run, "--train", images[0], "--test", other)
    assert "not a run" in failure(capfd, "evaluate", tmp_path, "--train", images[0], "--test", images[1])


def test_help_needs_no_tensorflow():
    code = "import sys; from byol_keras.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "pretrain" in shown.stdout


@pytest.mark.parametrize("command", [module.__name__.rpartition(".")[2].replace("_", "-") for module in COMMANDS])
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: byol-keras {command}" in capsys.readouterr().out


def test_another_backend_is_refused_in_one_line(tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    shown = subprocess.run([sys.executable, "-c", "import byol_keras"], capture_output=True, text=True, env=environment)
    assert shown.returncode != 0
    assert "KERAS_BACKEND=tensorflow" in shown.stderr.strip().splitlines()[-1]
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"} | {"KERAS_HOME": str(tmp_path)}
    shown = subprocess.run([sys.executable, "-c", "import byol_keras"], capture_output=True, text=True, env=environment)
    assert "keras.json" in shown.stderr.strip().splitlines()[-1]


def test_a_saved_encoder_loads_after_a_plain_import(run):
    code = f"import byol_keras, keras; print(keras.models.load_model({str(run / 'encoder.keras')!r}).name)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "resnet8", shown.stderr


def test_the_module_runs_as_the_command_does():
    shown = subprocess.run([sys.executable, "-m", "byol_keras", "--version"], capture_output=True, text=True)
    assert shown.stdout.strip()
    assert Path(sys.executable).with_name("byol-keras").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pretrain", "--data", "IMAGES", "--out", "run", "--exclude", "absent.txt"], "No such file: absent.txt"),
        (["pretrain", "--data", "IMAGES", "--out", "a file/run"], "a file is not a folder"),
        (["embed", "RUN", "--data", "IMAGES", "--out", "a file/e.npz"], "a file is not a folder"),
        (["views", "--data", "IMAGES", "--out", "a folder"], "--out must end in .png"),
        # Before the source is opened, which may take long: there is none here.
        (["views", "--data", "absent", "--out", "views.txt"], "--out must end in .png"),
        (["views", "--data", "absent", "--out", "views.hdf5"], "--out must end in .png"),
        (["views", "--data", "absent", "--out", "a file/views.png"], "a file is not a folder"),
        (
            ["views", "--data", "absent", "--out", "views.png", "--image-size", "1000000"],
            "a smaller --image-size. Received: --image-size 1000000",
        ),
        # Of one image they might fit, of all that are drawn they do not.
        (["views", "--data", "IMAGES", "--out", "views.png", "--image-size", "MEMORY"], "Two views of 12 images at"),
        (["verify", "RUN", "--data", "IMAGES", "--pairs", "absent.txt"], "No such file: absent.txt"),
        (["identities", "--pairs", "a folder", "--folds", "1", "--out", "names.txt"], "cannot be read: Is a directory"),
        (["label", "RUN", "--data", "IMAGES", "--labels", "a folder", "--next", "1"], "a folder"),
    ],
)
def test_a_path_that_cannot_be_is_one_line(arguments, said, run, images, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    # Two views of two images of so many pixels do not fit, and of one they do.
    places = {"IMAGES": images[0], "RUN": run, "MEMORY": math.isqrt(available_memory() // (2 * 2 * 3 * 4))}
    assert said in failure(capfd, *(places.get(argument, argument) for argument in arguments))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file", "a folder"]


@pytest.mark.parametrize("bug", [OSError("a device of nobody's"), FileNotFoundError(2, "gone", "/tmp/of-ours")])
def test_a_bug_is_a_traceback(bug, monkeypatch, tmp_path):
    def work(options):
        raise bug

    monkeypatch.setattr("byol_keras.cli.embed._run", work)
    with pytest.raises(type(bug)):
        main(["embed", "run", "--data", "photos", "--out", str(tmp_path / "e.npz")])


@pytest.mark.slow
def test_a_run_is_repeated_from_its_config(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["pretrain", "--config", str(run / "config.json"), "--out", "same"]) == 0
    # As many threads, the same process: the same weights.
    for a, b in zip(bk.load_run(run).encoder.get_weights(), bk.load_run("same").encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_flag_goes_before_the_config(run, tmp_path, monkeypatch):
    # What is trained with stands in the new config before training begins.
    monkeypatch.setattr("byol_keras.workflows.pretrain.train_run", lambda run, *_: run)
    words = ["pretrain", "--config", str(run / "config.json"), "--out", str(tmp_path / "again"), "--epochs", "1"]
    assert main(words) == 0
    first, second = (json.loads((path / "config.json").read_text()) for path in (run, tmp_path / "again"))
    assert second.pop("recipe") == {**first.pop("recipe"), "epochs": 1}
    assert second.pop("checksum") != first.pop("checksum")
    assert second == first
