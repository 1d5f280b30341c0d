"""The image size that is chosen by the images and by the time there is."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.runs.build import build_encoder, pixel_statistics
from byol_keras.runs.image_size import ENOUGH_UPDATES, SIZES, describe_size, fitting_size
from byol_keras.workflows.pretrain import pretrain

from ..conftest import RECIPE

TINY = ["--backbone", "resnet8", "--batch-size", "4", "--hidden-width", "16", "--projection-width", "4"]
TINY += ["--precision", "float32", "--seed", "3"]


@pytest.mark.parametrize(
    ("side", "size"),
    [(1, 1), (28, 28), (31.5, 31), (32, 32), (40, 32), (48, 48), (63, 48), (64, 64), (96, 64), (375, 64), (4000, 64)],
)
def test_without_a_time_it_is_the_images_own_up_to_64(side, size):
    assert fitting_size(side) == size


@pytest.mark.parametrize(
    ("side", "times", "size"),
    [(375, 1, 64), (375, 2.24, 64), (375, 2.25, 96), (375, 3.99, 96), (375, 4, 128), (375, 1e9, 128)],
)
def test_a_larger_one_needs_the_time_for_enough_updates_by_the_square_of_the_side(side, times, size):
    assert fitting_size(side, times * ENOUGH_UPDATES) == size


@pytest.mark.parametrize("side", [20, 32, 50, 64, 95, 100, 127])
def test_no_time_makes_it_larger_than_the_images(side):
    assert fitting_size(side, 1e9) == max([size for size in SIZES if size <= side], default=side)


def test_one_line_says_why():
    start, end = "for images whose shorter side is 375 px (median)", "; `image_size` sets another."
    assert describe_size(64, 375) == f"Image size: 64 px, {start}, the largest without a time limit{end}"
    assert describe_size(96, 375, timed=True) == f"Image size: 96 px, {start}, as larger ones leave too few steps{end}"
    assert describe_size(128, 375, timed=True) == f"Image size: 128 px, {start}{end}"
    assert "shorter side is 32 px (median); `image_size`" in describe_size(32, 32)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Eight images of 150 x 100."""
    folder = tmp_path_factory.mktemp("photographs")
    generator = np.random.default_rng(0)
    for i in range(8):
        Image.fromarray(generator.integers(0, 256, (100, 150, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def begin(monkeypatch):
    """Begins a run from the command line, and gives it and the model that would be trained."""
    begun = []
    monkeypatch.setattr("byol_keras.workflows.pretrain.train_run", lambda run, *others: begun.append(others[0]) or run)

    def begin(out, *words):
        assert main(["pretrain", "--out", str(out), *map(str, words)]) == 0
        return bk.load_run(out), begun[-1]

    return begin


@pytest.mark.slow
def test_the_command_line_chooses_and_the_run_keeps_the_number(begin, photographs, tmp_path, capsys):
    run, model = begin(tmp_path / "run", "--data", photographs, *TINY)
    assert (run.recipe.image_size, model.encoder.input_shape) == (64, (None, 64, 64, 3))
    said = "Image size: 64 px, for images whose shorter side is 100 px (median), the largest without a time limit"
    assert capsys.readouterr().out.splitlines()[0].startswith(said)
    # The file of a run names the number, and with it repeats the run.
    again, _ = begin(tmp_path / "again", "--config", tmp_path / "run" / "config.json")
    assert again == dataclasses.replace(run, folder=again.folder)
    assert "Image size" not in capsys.readouterr().out
    assert main(["views", "--data", str(photographs), "--out", str(tmp_path / "views.png")]) == 0
    assert said in capsys.readouterr().out


def test_small_images_keep_their_size_and_a_flag_goes_before_it(begin, sources, tmp_path, capsys):
    assert begin(tmp_path / "run", "--data", sources[0], *TINY)[0].recipe.image_size == 16
    assert "Image size: 16 px, for images whose shorter side is 16 px (median); " in capsys.readouterr().out
    run, model = begin(tmp_path / "large", "--data", sources[0], *TINY, "--image-size", 40)
    assert run.recipe.image_size == model.encoder.input_shape[1] == 40
    assert "Image size" not in capsys.readouterr().out


def test_a_start_decides_the_size(begin, sources, make_run, tmp_path, capsys):
    start = make_run(name="start")
    # Larger than the images.
    start = dataclasses.replace(start, recipe=dataclasses.replace(start.recipe, image_size=24))
    build_encoder(start).save(start.encoder_path)
    run, _ = begin(tmp_path / "run", "--data", sources[0], *TINY, "--from", start.encoder_path)
    assert run.recipe.image_size == 24
    assert "Image size: 24 px, that of the encoder it starts from; " in capsys.readouterr().out


@pytest.mark.parametrize(("updates", "size"), [(100, 64), (1e6, 96)])
def test_a_time_is_measured_at_the_first_size_and_at_the_chosen_one(
    updates, size, begin, photographs, tmp_path, monkeypatch, capsys
):
    timed = []

    def found(run, model, source, online_knn, seconds, services):
        timed.append((run.recipe.image_size, model.encoder.input_shape[1], seconds))
        # An epoch has two steps. What is found last is what counts.
        return updates / 2 if len(timed) == 1 else 1.5

    monkeypatch.setattr("byol_keras.runs.fitting.epochs_within", found)
    run, model = begin(tmp_path / "run", "--data", photographs, *TINY, "--minutes", 1000)
    assert [sizes for *sizes, _ in timed] == ([[64, 64]] if size == 64 else [[64, 64], [96, 96]])
    assert 60 * 1000 > timed[0][-1] >= timed[-1][-1] > 0
    assert run.recipe.image_size == model.encoder.input_shape[1] == size
    assert run.recipe.epochs == (50 if size == 64 else 1.5)
    # As a run with this size in its config has them.
    assert (run.mean, run.std) == pixel_statistics(bk.data.open_source(str(photographs)), size)
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Image size"))
    assert line.startswith(f"Image size: {size} px")


def test_a_library_call_has_the_size_of_its_recipe(begin, sources, tmp_path, capsys):
    run = pretrain(str(sources[0]), tmp_path / "run", dataclasses.replace(RECIPE, image_size=20))
    assert run.recipe.image_size == 20
    assert "Image size" not in capsys.readouterr().out
