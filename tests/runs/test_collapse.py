"""A run that collapses: what is said, and what is left of it."""

import dataclasses

import keras
import pytest

import byol_keras as bk
from byol_keras.callbacks import load_checkpoint
from byol_keras.runs.image_list import write_image_list
from byol_keras.runs.training import train_run

from ..conftest import RECIPE


@pytest.fixture
def collapsing(tiny_encoder, sources, tmp_path):
    """A run of 14 epochs of 9 steps, and its model, which has no predictor and trains towards itself; its images."""
    keras.utils.set_random_seed(0)
    recipe = dataclasses.replace(RECIPE, image_size=8, batch_size=8, epochs=14, tau_base=0.0)
    source = bk.data.open_source(str(sources[0]))
    run = bk.Run(tmp_path / "run", recipe, str(sources[0]), 5, 3, [0.45] * 3, [0.2] * 3, image_count=len(source))
    run.folder.mkdir()
    write_image_list(run, source)
    run.write_config()
    model = bk.BYOL(tiny_encoder(), bk.mlp(4, 6, 3), keras.Sequential([keras.Input((3,)), keras.layers.Identity()]))
    model.compile(keras.optimizers.Adam(0.05))
    return run, model, source


@pytest.mark.slow
def test_it_ends_where_it_shall_saved_and_with_the_encoder_of_before(collapsing, capfd):
    run, model, source = collapsing
    with pytest.raises(bk.InputError, match="Training was stopped, and is saved as it is now"):
        train_run(run, model, source, [], {}, stop_on_collapse=True)
    (said,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("Step ")]
    assert f"Step {int(model.steps)}: all images get nearly one projection" in said
    assert int(load_checkpoint(run.checkpoints_path).steps) == int(model.steps) < 14 * 9
    assert not run.is_finished
    assert run.healthy_encoder_path.exists() == ("is in" in said)
    # Its owner may want it all the same.
    assert train_run(run, load_checkpoint(run.checkpoints_path), source, [], {}).is_finished
