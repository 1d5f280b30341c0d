"""The folder of a run, read back."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.runs.load import value_range_of


def test_what_is_written_is_read_back(make_run):
    run = make_run()
    assert bk.load_run(run.folder) == run
    assert bk.load_run(str(run.folder)).recipe == run.recipe


def test_the_encoder_is_loaded_once_and_is_that_of_the_file(make_run):
    run = bk.load_run(make_run().folder)
    assert run.encoder_path == run.folder / "encoder.keras"
    saved = keras.models.load_model(run.encoder_path)
    for mine, of_the_file in zip(run.encoder.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, of_the_file)
    assert run.encoder is run.encoder


def test_a_value_range_is_read_back_and_part_of_the_checksum(make_run):
    run = make_run()
    before = run.checksum()
    ranged = dataclasses.replace(run, value_range=[0.0, 4095.0])
    assert ranged.checksum() != before
    ranged.write_config()
    assert bk.load_run(run.folder) == ranged
    assert value_range_of(run.folder) == value_range_of(run.encoder_path) == [0, 4095]
    config = json.loads((run.folder / "config.json").read_text())
    del config["value_range"]  # as runs of before have it
    (run.folder / "config.json").write_text(json.dumps(config))
    assert bk.load_run(run.folder).value_range is None
    assert bk.load_run(run.folder).checksum() == before
    (run.folder / "config.json").write_text(json.dumps({**config, "value_range": [0, 9]}))
    with pytest.raises(bk.InputError, match="was changed after the run was begun"):
        bk.load_run(run.folder).require_unchanged()
    assert value_range_of("photos.keras") is None


def test_an_unfinished_run_has_no_encoder_yet(make_run):
    run = make_run()
    run.encoder_path.unlink()
    run = bk.load_run(run.folder)
    with pytest.raises(bk.InputError, match=r"run has no encoder\.keras yet: training has not finished"):
        _ = run.encoder
    with pytest.raises(bk.InputError, match="training has not finished"):
        bk.load_encoder(run.folder)


def test_a_config_with_the_first_names_is_read(make_run):
    run = make_run()
    config = json.loads((run.folder / "config.json").read_text())
    old = {"data": "source", "exclude": "left_out", "image_count": "pictures"}
    config = {old.get(name, name): value for name, value in config.items()}
    config.update(left_out=["a", "b/c.jpg"], pictures=7)
    (run.folder / "config.json").write_text(json.dumps(config))
    loaded = bk.load_run(run.folder)
    assert (loaded.data, loaded.exclude, loaded.image_count) == ("photos", ["a", "b/c.jpg"], 7)
    assert loaded.recipe == run.recipe


@pytest.mark.parametrize("text", ["{", "{}", '{"recipe": {}}'])
def test_a_config_of_something_else_is_one_line(text, tmp_path):
    with pytest.raises(bk.InputError, match="is not a run: it has no config"):
        bk.load_run(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(bk.InputError, match=r"config\.json cannot be read as the config of a run") as raised:
        bk.load_run(tmp_path)
    assert "\n" not in str(raised.value)
