"""A finished run that is extended: its schedules, what it leaves, and what is refused."""

import dataclasses
import json
import os
import shutil

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.callbacks.checkpoint import checkpoints, load_checkpoint
from byol_keras.callbacks.csv_history import read_history
from byol_keras.cli.main import main
from byol_keras.errors import Interrupted
from byol_keras.runs import training
from byol_keras.runs.build import build_optimizer, build_views
from byol_keras.runs.image_list import write_image_list
from byol_keras.runs.run_config import read_config
from byol_keras.utils.checksum import sha256_of
from byol_keras.workflows.resume import resume

from ..conftest import RECIPE

STEPS = 9  # of an epoch
SHORT = dataclasses.replace(RECIPE, image_size=8, batch_size=8, epochs=1.5)  # 14 steps
CONFIG = "config.json"


@pytest.fixture(scope="module")
def finished(sources, tiny_byol, tmp_path_factory):
    """A run of one and a half epochs, of a network that is compiled quickly; to be copied."""
    folder, source = tmp_path_factory.mktemp("runs") / "run", bk.data.open_source(str(sources[0]))
    folder.mkdir()
    run = bk.Run(folder, SHORT, str(sources[0]), 5, 3, [0.45] * 3, [0.2] * 3, image_count=len(source))
    write_image_list(run, source)
    run.write_config()
    model = tiny_byol()
    model.compile(build_optimizer(SHORT, 14, 4))
    return training.train_run(run, model, source, [], {"steps": 6}).folder


@pytest.fixture(scope="module")
def straight(finished, tmp_path_factory):
    """The same extended to three, without a stop."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    shutil.copytree(finished, folder)
    return resume(folder, epochs=3)


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def weights_of(folder):
    return keras.models.load_model(folder / "encoder.keras").get_weights()


def assert_same(one, other):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (one / "history.csv").read_text() == (other / "history.csv").read_text()
    assert json.loads((one / CONFIG).read_text()) == json.loads((other / CONFIG).read_text())


@pytest.mark.slow
def test_the_added_steps_are_a_leg_with_schedules_of_its_own(sources, finished, straight):
    """As `fit` does it with an optimizer and a schedule of the added steps, and the run's batches from there on."""
    model = load_checkpoint(finished / "checkpoints")
    assert int(model.steps) == 14
    added = 3 * STEPS - 14
    rate = bk.schedules.warmup_cosine(SHORT.learning_rate, 256, added, round(0.5 * STEPS))
    model.compile(keras.optimizers.AdamW(rate, weight_decay=SHORT.weight_decay))
    source = bk.data.open_source(str(sources[0]))
    taus = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: taus.append(float(logs["tau"])))
    batches = bk.data.two_view_batches(source, build_views(SHORT), 8, 3 * STEPS, 5, first_step=14)
    # An epoch of one step each: the order is the run's.
    model.fit(batches, epochs=added, steps_per_epoch=1, shuffle=False, verbose=0, callbacks=[bk.TargetEMA(0.97), note])
    for a, b in zip(weights_of(straight.folder), model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    expected = [1 - 0.03 * (1 + np.cos(np.pi * k / added)) / 2 for k in range(added)]
    assert taus == pytest.approx(expected, abs=1e-6)
    optimizer = load_checkpoint(straight.checkpoints_path).optimizer
    assert int(optimizer.iterations) == added
    assert float(optimizer.learning_rate) == pytest.approx(0, abs=1e-9)


def test_history_goes_on_and_config_says_what_happened(finished, straight):
    rows = read_history(straight.history_path)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[0] == read_history(finished / "history.csv")[0]
    # The second epoch is now a whole one, and its tau that of the fourth added step.
    assert rows[1]["loss"] != read_history(finished / "history.csv")[1]["loss"]
    assert rows[1]["tau"] == pytest.approx(1 - 0.03 * (1 + np.cos(np.pi * 3 / 13)) / 2, abs=1e-6)
    assert (straight.recipe.epochs, straight.legs) == (3, [1.5, 3.0])
    assert straight.is_finished
    assert bk.load_run(straight.folder) == straight
    bk.load_run(straight.folder).require_unchanged()
    assert next(step for step, _ in checkpoints(straight.checkpoints_path)) == 3 * STEPS
    assert bk.load_encoder(straight.folder).output_shape == (None, 4)


@pytest.fixture
def stopped_at(monkeypatch):
    """A function: (folder, step, arguments of `resume`), as if SIGTERM came in that step."""

    def stopped(folder, step, **arguments):
        asked = training.Checkpoint._write_if_due

        def write(checkpoint):
            checkpoint.stop = lambda: 15 if int(checkpoint.model.steps) == step else None
            asked(checkpoint)

        with monkeypatch.context() as patch:
            patch.setattr(training.Checkpoint, "_write_if_due", write)
            with pytest.raises(Interrupted, match=f"stopped at step {step};"):
                resume(folder, **arguments)

    return stopped


@pytest.mark.slow
def test_an_extension_that_is_killed_and_stopped_ends_as_if_left_alone(run, straight, monkeypatch, stopped_at, capfd):
    before = sha256_of(run / "encoder.keras")

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit_leg", killed)
        with pytest.raises(KeyboardInterrupt):
            resume(run, epochs=3)
    # After the first added step, at the end of an epoch, and at the very end.
    for step in (15, 2 * STEPS, 3 * STEPS):
        stopped_at(run, step)
        stopped = bk.load_run(run)
        assert (stopped.recipe.epochs, stopped.legs, stopped.is_finished) == (3, [1.5], False)
        # The encoder of before serves meanwhile.
        assert sha256_of(run / "encoder.keras") == before
        assert "resumes to the 3 epochs that were settled" in failure(capfd, run, "--epochs", "5")
    resume(run)
    assert sha256_of(run / "encoder.keras") != before
    assert_same(run, straight.folder)


def test_killed_between_the_encoder_and_its_config_it_is_finished_all_the_same(straight, tmp_path):
    shutil.copytree(straight.folder, tmp_path / "run")
    dataclasses.replace(bk.load_run(tmp_path / "run"), legs=[1.5]).write_config()
    assert resume(tmp_path / "run").is_finished
    assert_same(tmp_path / "run", straight.folder)


@pytest.mark.slow
def test_a_damaged_last_checkpoint_costs_its_steps_and_no_more(run, straight, capfd):
    (step, last), (earlier, _) = checkpoints(run / "checkpoints")
    assert (step, earlier) == (14, 12)
    os.truncate(last, 100)
    resume(run, epochs=3)
    assert "was cut or altered" in capfd.readouterr().err
    assert_same(run, straight.folder)


@pytest.mark.slow
def test_a_second_extension_from_the_command_line(straight, tmp_path, capfd):
    run = tmp_path / "run"
    shutil.copytree(straight.folder, run)
    (run / "results").mkdir()
    assert main(["pretrain", "--out", str(run), "--resume", "--epochs", "4"]) == 0
    said = capfd.readouterr().out.splitlines()
    (line,) = (line for line in said if line.startswith("Extending"))
    assert line == (
        "Extending the run by 9 steps, to 4 epochs: the learning rate rises from 0 to its peak over 4 steps and falls "
        "to 0 along a cosine, tau rises from 0.97 to 1, the optimizer begins anew."
    )
    assert f"In {run}, results came of the encoder that it had before: make them anew." in said
    assert bk.load_run(run).legs == [1.5, 3.0, 4.0]
    rows = read_history(run / "history.csv")
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    assert rows[:3] == read_history(straight.history_path)
    # A new run with its config has all epochs in one leg.
    assert read_config(run / CONFIG)["recipe"]["epochs"] == 4


def failure(capfd, folder, *flags):
    """Extends a run, which must fail on bad input and change nothing; gives its one line of explanation."""
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    capfd.readouterr()
    assert main(["pretrain", "--out", str(folder), "--resume", *flags]) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    after = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}
    assert after == {path: content for path, content in before.items() if path.name != ".lock"}
    return line


def test_what_cannot_be_is_one_line(run, capfd):
    above = f"--epochs must be above the 1.5 that {run} was trained for. Received: --epochs "
    for epochs in ("1", "1.5"):
        assert failure(capfd, run, "--epochs", epochs).endswith(f"{above}{float(epochs)}")
    assert "--epochs must be above 0 and at most 1000000. Received: --epochs nan" in failure(
        capfd, run, "--epochs", "nan"
    )
    assert "--epochs must add a step, and an epoch has 9" in failure(capfd, run, "--epochs", "1.51")
    assert "Nothing to resume; --epochs above 1.5 would extend it." in failure(capfd, run)
    assert "takes all but --epochs from the run in --out: leave out --tau-base." in failure(
        capfd, run, "--epochs", "3", "--tau-base", "0.9"
    )
    shutil.rmtree(run / "checkpoints")
    said = failure(capfd, run, "--epochs", "3")
    assert f"{run / 'checkpoints'} has no checkpoint to extend the run from. A new run can begin with" in said
    assert said.endswith("weights of this one: --from.")


def test_an_unfinished_run_keeps_its_epochs(run, capfd):
    (run / "encoder.keras").unlink()
    said = failure(capfd, run, "--epochs", "3")
    assert "is not finished, and resumes to the 1.5 epochs that were settled: leave out --epochs" in said
    assert said.endswith("Received: --epochs 3.0")


def test_an_edited_config_is_not_extended(run, capfd):
    config = json.loads((run / CONFIG).read_text())
    config["recipe"]["tau_base"] = 0.5
    (run / CONFIG).write_text(json.dumps(config))
    assert "config.json was changed after the run was begun" in failure(capfd, run, "--epochs", "3")


def test_an_extension_under_way_needs_its_legs_and_a_checkpoint(run, capfd):
    begun = dataclasses.replace(bk.load_run(run), recipe=dataclasses.replace(SHORT, epochs=3), legs=[1.5])
    begun.write_config()
    config = json.loads((run / CONFIG).read_text())
    (run / CONFIG).write_text(json.dumps({**config, "legs": [1.0]}))
    assert "config.json was changed after the run was begun" in failure(capfd, run)
    (run / CONFIG).write_text(json.dumps({**config, "legs": [1.5, 9.0]}))
    assert "`legs` must be a list of epochs, each above the one before, the last at most 3" in failure(capfd, run)
    (run / CONFIG).write_text(json.dumps(config))
    shutil.rmtree(run / "checkpoints")
    assert "has no checkpoint to extend the run from" in failure(capfd, run)
