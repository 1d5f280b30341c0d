"""What is built of a run."""

import dataclasses
import shutil

import numpy as np
import pytest

import byol_keras as bk
from byol_keras.errors import InputError
from byol_keras.models.fingerprint import fingerprint
from byol_keras.runs.build import (
    build_encoder,
    require_backbone,
    run_model,
    trained_and_untrained,
    untrained_encoder,
)
from byol_keras.runs.start import start_from_weights


def test_what_reads_8_bits_refuses_a_run_with_a_range(make_run):
    run = dataclasses.replace(make_run(), value_range=[0, 4095])
    with pytest.raises(InputError, match="this run was trained on values from 0 to 4095"):
        require_backbone(run)


def test_untrained_are_the_weights_that_training_began_with(make_run, untrained, capfd):
    start = make_run(encoder_seed=9, name="start")
    run = dataclasses.replace(make_run(), start_from=str(start.folder))
    for actual, expected in zip(trained_and_untrained(run)["untrained"].weights, start.encoder.weights, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert capfd.readouterr().err == ""
    began = dataclasses.replace(run, start_weights=fingerprint(start.encoder))
    np.testing.assert_array_equal(untrained_encoder(began).weights[0], start.encoder.weights[0])
    assert capfd.readouterr().err == ""
    shutil.copyfile(untrained(6), start.encoder_path)
    np.testing.assert_array_equal(untrained_encoder(began).weights[0], build_encoder(run).weights[0])
    assert "has other weights than when" in capfd.readouterr().err
    with pytest.raises(InputError, match=r"start has other weights than when .*run began with them"):
        run_model(began, 5)
    start.encoder_path.unlink()
    for actual, expected in zip(
        trained_and_untrained(run)["untrained"].weights, build_encoder(run).weights, strict=True
    ):
        np.testing.assert_array_equal(actual, expected)
    assert "cannot be had, so untrained is random" in capfd.readouterr().err


def test_weights_do_not_start_a_network_of_other_strides():
    stride_1, stride_2 = (bk.resnet10((16, 16, 3), stem=(3, stride, False)) for stride in (1, 2))
    with pytest.raises(InputError, match=r"b\.keras has other layers .* Received: .* strides \[\(2, 2\)"):
        start_from_weights(stride_1, stride_2, "b.keras")
    start_from_weights(stride_1, bk.resnet10((32, 32, 3), stem=(3, 1, False)), "b.keras")
