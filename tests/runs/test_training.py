"""How many epochs there is time for, measured on a real training."""

import pytest

import byol_keras as bk
from byol_keras.cli.main import main
from byol_keras.runs import training
from byol_keras.runs.build import build_model

from ..conftest import RECIPE


@pytest.fixture
def begun(sources, tmp_path, monkeypatch):
    """A run, a model of it, and its images."""
    monkeypatch.setattr(training, "TRIAL_SECONDS", 0.1)
    monkeypatch.setattr(training, "TRIAL_SHARE", 1e-5)
    source = bk.data.open_source(str(sources[0]))
    run = bk.Run(tmp_path / "run", RECIPE, str(sources[0]), 5, 3, [0.45] * 3, [0.2] * 3)
    return run, build_model(run, "float32", 100, 18), source


@pytest.mark.slow
def test_more_time_is_more_epochs_and_nothing_is_left(begun, tmp_path, capsys):
    run, model, source = begun
    epochs = training.epochs_within(run, model, source, [], 3600)
    assert epochs > 3
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("A step at 16 px takes"))
    assert f"{epochs:g} epochs, {round(18 * epochs):,} steps" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_no_time_for_a_step_is_one_line(begun):
    with pytest.raises(bk.InputError, match="`budget` leaves no time to train"):
        training.epochs_within(*begun, [], 0.5)
    with pytest.raises(bk.InputError, match="`budget` was used up before training began"):
        training.epochs_within(*begun, [], -35.0)


@pytest.mark.slow
def test_the_run_has_the_epochs_that_were_found(sources, tmp_path, monkeypatch, capsys):
    def found(run, model, source, online_knn, seconds, services):
        assert 0 < seconds <= 120
        return 1.5

    monkeypatch.setattr("byol_keras.runs.fitting.epochs_within", found)
    words = ["pretrain", "--data", str(sources[0]), "--out", str(tmp_path / "run"), "--minutes", "2"]
    words += ["--backbone", "resnet8", "--image-size", "16", "--batch-size", "8", "--hidden-width", "32"]
    assert main(words) == 0
    run = bk.load_run(tmp_path / "run")
    # A tenth of them is the warm-up, whose 0.5 would be a third.
    assert (run.recipe.epochs, run.recipe.warmup_epochs) == (1.5, 0.15)
    assert "Warm-up: 0.15 epochs, a tenth of them, and not 0.5." in capsys.readouterr().out
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 1 + 2


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--minutes", "0"], "--minutes must be a number of minutes above 0. Received: --minutes 0.0"),
        (["--minutes", "nan"], "--minutes must be a number of minutes above 0"),
        (["--minutes", "5", "--epochs", "3"], "leave out --epochs"),
        (["--minutes", "5", "--resume"], "leave out --minutes"),
    ],
)
def test_a_time_that_cannot_be(flags, said, sources, tmp_path, capfd):
    data = [] if "--resume" in flags else ["--data", str(sources[0])]
    assert main(["pretrain", *data, "--out", str(tmp_path / "run"), *flags]) == 2
    assert said in capfd.readouterr().err
    assert not (tmp_path / "run").exists()
