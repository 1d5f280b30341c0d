"""`byol-keras doctor` on runs and images as they lie there."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import byol_keras as bk
from byol_keras.callbacks import Checkpoint
from byol_keras.cli.main import main
from byol_keras.runs.build import build_model
from byol_keras.runs.image_list import write_image_list
from byol_keras.workflows.doctor import examine_data, examine_run


@pytest.fixture
def run(make_run, sources):
    """A run of 72 images, which it has made 36 updates with; its encoder is an untrained one."""
    run = dataclasses.replace(make_run(), data=str(sources[0]), image_count=72)
    run.write_config()
    write_image_list(run, bk.data.open_source(sources[0]))
    return run


def test_a_finished_run(run, capsys):
    run.history_path.write_text("epoch,embedding_rank,target_std\n0,20,0.8\n1,5,0.7\n")
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    assert main(["doctor", str(run.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "72 images, 36 updates."
    assert any(line.startswith("Two views of an image find each other: untrained ") for line in lines)
    advice = [line for line in lines if line.startswith("- ")]
    assert advice[0].startswith("- Dimensions lost: embedding_rank 5 in the last epoch, 20 before. Lower --learning-r")
    assert advice[1].startswith("- Too few updates: 36 of 72 images in 2 epochs. --epochs 84 makes 1,500")
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")} == before


def test_a_finished_run_needs_no_checkpoint(run, capsys):
    run.checkpoints_path.mkdir()
    (run.checkpoints_path / "step-36.keras").write_bytes(b"cut")
    measured, _ = examine_run(run.folder)
    assert measured.match is not None
    assert measured.input_share is None
    assert "has no checkpoint that can be used, so no step is timed" in capsys.readouterr().err
    run.encoder_path.unlink()
    with pytest.raises(bk.InputError, match="None of the 1 checkpoints"):
        examine_run(run.folder)


@pytest.mark.slow
def test_an_unfinished_run_is_looked_at_by_its_checkpoint(run):
    source = bk.data.open_source(run.data)
    model = build_model(run, "float32", 36, 18)
    # Weights that no encoder of the run's own seed has.
    model.encoder.set_weights([np.zeros_like(weight) for weight in model.encoder.get_weights()])
    model.optimizer.build(model.trainable_variables)
    checkpoint = Checkpoint(run.checkpoints_path)
    checkpoint.set_model(model)
    run.checkpoints_path.mkdir()
    checkpoint.save()
    run.encoder_path.unlink()
    measured, _ = examine_run(run.folder)
    assert measured.match == 0.0
    assert measured.untrained_match > 0
    assert 0 < measured.input_share < 20
    assert measured.images == len(source)


def test_images_before_there_is_a_run(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for i, pixels in enumerate(np.repeat(rng.integers(0, 256, (40, 40, 50, 3), np.uint8), 2, axis=0)):
        Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
    measured, found = examine_data(str(tmp_path), bk.recipes.short())
    assert (measured.images, measured.updates, measured.copies) == (80, 10, 1.0)
    assert measured.match is measured.color is measured.input_share is None
    assert found[0].startswith("Too few updates: 10 of 80 images")
    assert found[1].startswith("Near copies: 100 %")
    assert main(["doctor", "--data", str(tmp_path), "--image-size", "16"]) == 0
    assert "- Near copies: 100 %" in capsys.readouterr().out


def test_what_cannot_be_looked_at(run, sources, tmp_path, capsys):
    for arguments, said in [
        ([], "Give a run, or images by --data."),
        ([str(run.folder), "--data", str(sources[0])], "Give a run, or images by --data."),
        ([str(run.folder), "--epochs", "3"], "A run has its recipe"),
        ([str(tmp_path)], "is not a run"),
    ]:
        assert main(["doctor", *arguments]) == 2
        assert said in capsys.readouterr().err
    run.encoder_path.unlink()
    assert main(["doctor", str(run.folder)]) == 2
    assert "training has not finished" in capsys.readouterr().err


def test_a_config_says_how_images_are_read(tmp_path, capsys):
    """Floats, which nobody could read without the range, and in color, of which the run sees gray."""
    values = np.random.default_rng(0).uniform(-1024, 3071, (60, 16, 16, 3)).astype(np.float32)
    np.savez(tmp_path / "images.npz", images=values)
    recipe = dataclasses.replace(bk.recipes.short(), image_size=16, batch_size=4)
    run = bk.Run(tmp_path / "run", recipe, "photos", 7, 1, [0.5], [0.2], value_range=[-1024, 3071])
    run.folder.mkdir()
    run.write_config()
    config = str(run.folder / "config.json")
    assert main(["doctor", "--data", str(tmp_path / "images.npz"), "--config", config]) == 0
    shown = capsys.readouterr().out
    gray, color = (
        examine_data(str(tmp_path / "images.npz"), recipe, False, [-1024, 3071], channels)[0] for channels in (1, 3)
    )
    assert gray.untrained_color != color.untrained_color
    found = [f"is of like color: untrained {100 * seen.untrained_color:.0f} %" for seen in (gray, color)]
    assert found[0] != found[1]
    assert found[0] in shown
