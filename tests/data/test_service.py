"""Views made by services of tf.data, in this process and in another one, against those made here."""

import contextlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays, open_source
from byol_keras.data.service import check_services, data_service, made_by_services
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.errors import InputError


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for i in range(16):
        Image.fromarray(rng.integers(0, 256, (20 + i % 3, 24, 3), np.uint8)).save(folder / f"{i:02}.jpg")
    return folder


def arrays(batches):
    return [np.stack([view.numpy() for view in views]) for (views,) in batches]


@pytest.mark.parametrize("context", [(2, 1, 4), pytest.param(None, marks=pytest.mark.slow)])
def test_services_make_the_batches_of_this_process(photos, context):
    source = open_source(photos)
    context = context and tf.distribute.InputContext(*context)

    def make(context):
        return two_view_batches(source, TwoViews(8), 8, 3, seed=5, first_step=1, input_context=context)

    with data_service(0, "localhost") as one, data_service(0, "localhost") as other:
        check_services([one, other], source, 8)
        found = arrays(made_by_services(make, [one, other], context))
    expected = arrays(make(context))
    assert len(found) == len(expected) > 1
    np.testing.assert_array_equal(found, expected)


def test_what_services_cannot_do_is_said(photos, tmp_path):
    source = open_source(photos)
    for address in ("localhost:5050", "grpc://localhost", "grpc://:5050", "grpc://localhost:a"):
        with pytest.raises(InputError, match=f"A service is grpc://HOST:PORT. Received: data_service={address}"):
            check_services([address], source, 8)
    with pytest.raises(InputError, match=r"No answer from grpc://localhost:1 \(Connection refused\)"):
        check_services(["grpc://localhost:1"], source, 8)
    Image.new("RGB", (9, 9)).save(tmp_path / "b.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "a.jpg")
    with data_service(0, "localhost") as address:
        with pytest.raises(InputError, match=r"Each of 3 services .* Received: batch_size=8"):
            check_services([address] * 3, source, 8)
        with pytest.raises(InputError, match=r"1 of 2 images are others, the first b\.png"):
            check_services([address], open_source(tmp_path), 2)
        with pytest.raises(InputError, match="held in memory here"):
            check_services([address], from_arrays(np.zeros((8, 9, 9, 3), np.uint8)), 8)
    check_services([], open_source(tmp_path), 2)


def test_a_port_in_use_is_said():
    with (
        data_service(0, "localhost") as address,
        pytest.raises(InputError, match="Cannot listen at port"),
        data_service(int(address.rpartition(":")[2]), "localhost"),
    ):
        pass


@contextlib.contextmanager
def service_process():
    command = [sys.executable, "-m", "byol_keras", "data-service", "--port", "0", "--host", "localhost"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[-1], process
        finally:
            process.kill()


@pytest.mark.slow
def test_pretraining_with_services_is_the_same_training(photos, tmp_path):
    command = [sys.executable, "-m", "byol_keras", "pretrain", "--data", photos, "--backbone", "resnet8", "--epochs", 2]
    command += ["--image-size", 16, "--batch-size", 8, "--hidden-width", 32, "--precision", "float32", "--out"]
    with service_process() as (one, process), service_process() as (other, _):
        for out, flags in (("here", []), ("there", ["--data-service", one, other])):
            command_line = [*map(str, [*command, tmp_path / out, *flags])]
            done = subprocess.run(command_line, capture_output=True, text=True, timeout=600, env=os.environ)
            assert done.returncode == 0, done.stderr
        process.terminate()
        assert process.wait(100) == 143
    here, there = (keras.models.load_model(tmp_path / out / "encoder.keras").get_weights() for out in ("here", "there"))
    for expected, found in zip(here, there, strict=True):
        np.testing.assert_array_equal(found, expected)
