"""The command line on real files; commands run in this process unless the process itself is what is tested."""

import dataclasses
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
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import COMMANDS, main
from byol_keras.runs.run import Run
from byol_keras.utils.memory import available_memory

from ..failing_command import failure
from .small_run import CLASSES, draw, write_folder


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


def test_views_of_a_config_are_those_of_its_run(tmp_path):
    """Range, channels and seed too: 12 bits in color, of which the run sees gray."""
    levels = np.random.default_rng(0).integers(0, 4096, (4, 16, 16, 3)).astype(np.uint16)
    np.savez(tmp_path / "images.npz", images=levels)
    recipe = dataclasses.replace(bk.recipes.short(), image_size=16)
    run = Run(tmp_path / "run", recipe, "photos", 7, 1, [0.5], [0.2], value_range=[0, 4095])
    run.folder.mkdir()
    run.write_config()
    words = ["views", "--data", str(tmp_path / "images.npz"), "--config", str(run.folder / "config.json"), "--out"]
    assert main([*words, str(tmp_path / "run.png")]) == 0
    assert main([*words, str(tmp_path / "said.png"), "--value-range", "0", "4095", "--seed", "7"]) == 0
    assert (tmp_path / "run.png").read_bytes() == (tmp_path / "said.png").read_bytes()
    pixels = np.asarray(Image.open(tmp_path / "run.png").convert("RGB"))
    assert (pixels[..., 0] == pixels[..., 2]).all()
    assert main([*words, str(tmp_path / "other.png"), "--seed", "8"]) == 0
    assert (tmp_path / "run.png").read_bytes() != (tmp_path / "other.png").read_bytes()


@pytest.mark.parametrize("command", ["evaluate", "pretrain"])
def test_a_path_without_permission_is_one_line(command, tmp_path, images):
    locked = tmp_path / "locked"
    (locked / "run").mkdir(parents=True)
    words = {
        "evaluate": ["evaluate", locked / "run", "--train", "absent", "--test", "absent"],
        "pretrain": ["pretrain", "--data", images[0], "--out", locked / "run" / "new"],
    }[command]
    # Root may do everything: the command gives that up before it begins.
    code = "import os, sys; os.getuid() or os.setuid(65534); from byol_keras.cli.main import main; sys.exit(main())"
    locked.chmod(0o700 if os.getuid() == 0 else 0)
    try:
        shown = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)
    finally:
        locked.chmod(0o700)
    if "ModuleNotFoundError" in shown.stderr:
        pytest.skip("nobody but root may read this installation")
    assert shown.returncode == 2
    assert f"byol-keras {command}: {locked}" in shown.stderr.splitlines()[-1]
    assert "Permission denied" in shown.stderr
