"""Encoders by the path of a run or of a file."""

import dataclasses
import shutil

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.runs.load import value_range_of


def test_by_the_run_and_by_the_file(make_run):
    run = make_run()
    images = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    expected = run.encoder.predict(images, verbose=0)
    for path in (run.folder, str(run.folder), run.encoder_path):
        np.testing.assert_array_equal(bk.load_encoder(path).predict(images, verbose=0), expected)


def test_the_encoder_of_a_saved_byol(tiny_byol, tmp_path):
    model = tiny_byol()
    model.save(tmp_path / "model.keras")
    encoder = bk.load_encoder(tmp_path / "model.keras")
    for loaded, saved in zip(encoder.get_weights(), model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_what_is_no_encoder_is_named(tmp_path):
    with pytest.raises(bk.InputError, match=r"No run and no \.keras file at .*nowhere"):
        bk.load_encoder(tmp_path / "nowhere")
    (tmp_path / "damaged.keras").write_text("no archive")
    with pytest.raises(bk.InputError, match=r"damaged\.keras is not a Keras model"):
        bk.load_encoder(tmp_path / "damaged.keras")


def test_the_range_of_a_run_goes_with_each_of_its_files(make_run):
    run = dataclasses.replace(make_run(), value_range=[-1024, 3071])
    run.write_config()
    run.checkpoints_path.mkdir()
    checkpoint = run.checkpoints_path / "step-00000010.keras"
    for path in (run.best_encoder_path, checkpoint):
        shutil.copy(run.encoder_path, path)
    for path in (run.folder, run.encoder_path, run.best_encoder_path, checkpoint):
        assert value_range_of(path) == [-1024, 3071]
    elsewhere = shutil.copy(run.encoder_path, run.folder.parent / "encoder.keras")
    assert value_range_of(elsewhere) is None
