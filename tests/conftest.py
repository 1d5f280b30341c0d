"""Networks small enough to train within a test, and how the tests are run."""

import functools
import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path

# XLA takes longer to compile than these small networks to run: a quarter is saved without its last optimizations.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# As the commands have it, see `utils.startup`: what they give is compared with what a test computes.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import pytest

import byol_keras as bk
from byol_keras.models.heads import mlp
from byol_keras.models.layers import batch_norm
from byol_keras.runs.build import build_encoder
from byol_keras.runs.recipe import Recipe
from byol_keras.runs.run import Run

# TensorFlow and Keras are half a million objects that nobody frees: without them, and less often, the collections of
# garbage take an eighth less of all the time.
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)

# Folders whose files take the longest come first, so that no process is left with one of them at the end.
LONG = ("cli", "workflows", "runs", "callbacks", "data", "byol", "export")
# A background job and the processes of pytest-xdist ignore Ctrl-C, and so would all processes that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# The checks of folders are cached, in processes that tests start as well: not in the home of who runs them.
_caches = tempfile.TemporaryDirectory(prefix="byol_keras_caches_")
os.environ["XDG_CACHE_HOME"] = _caches.name


def pytest_collection_modifyitems(items):
    def place(item):
        folder = os.path.relpath(item.path, Path(__file__).parent).split(os.sep)[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


def _tiny_encoder():
    inputs = x = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(x)
    x = batch_norm()(x)
    x = keras.layers.ReLU()(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def _tiny_byol(encoder=None, seed=0, **kwargs):
    keras.utils.set_random_seed(seed)
    encoder = encoder or _tiny_encoder()
    return bk.BYOL(encoder, projector=mlp(encoder.output_shape[-1], 6, 3), predictor=mlp(3, 6, 3), **kwargs)


@pytest.fixture(scope="session")
def tiny_encoder():
    """Makes an encoder of 8 pixel color images, D = 4."""
    return _tiny_encoder


@pytest.fixture(scope="session")
def tiny_byol():
    """Makes a BYOL of a tiny encoder, or of the one given, with heads of 6 and 3 units."""
    return _tiny_byol


@pytest.fixture(scope="session")
def view_pair():
    """Two views of 12 images of 8 pixels: float32 in [0, 1], related but not equal."""
    rng = np.random.default_rng(7)
    view_1 = rng.random((12, 8, 8, 3), np.float32)
    view_2 = np.clip(view_1 + rng.normal(0, 0.2, view_1.shape), 0, 1).astype(np.float32)
    return view_1, view_2


@pytest.fixture
def set_policy():
    """Sets Keras' dtype policy for one test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


RECIPE = Recipe("resnet8", 16, 2, 4, "adamw", 1e-3, 1e-4, 0.5, 0.97, precision="float32")
COLORS = ((190, 80, 80), (80, 190, 80), (80, 80, 190))


def _write_images(path, per_class, seed, class_names=("red", "green", "blue")):
    """An .npz of noisy 16-pixel images, each class of a color."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(class_names)), per_class)
    images = rng.normal(np.array(COLORS)[labels][:, None, None], 40, (len(labels), 16, 16, 3))
    images = images.clip(0, 255).astype(np.uint8)
    np.savez(path, images=images, labels=labels, class_names=np.array(class_names))
    return path


@pytest.fixture(scope="session")
def write_images():
    return _write_images


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """24 images of each of three classes to train on, 8 of each to test with."""
    folder = tmp_path_factory.mktemp("sources")
    return _write_images(folder / "train.npz", 24, 0), _write_images(folder / "test.npz", 8, 1)


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """Gives the file of the untrained encoder that RECIPE makes of a seed; each is built once."""
    folder = tmp_path_factory.mktemp("untrained")

    @functools.cache
    def path(seed):
        run = Run(folder, RECIPE, "photos", seed, 3, [0.45] * 3, [0.2] * 3)
        build_encoder(run).save(folder / f"{seed}.keras")
        return folder / f"{seed}.keras"

    return path


@pytest.fixture
def make_run(untrained, tmp_path):
    """Makes a run that looks finished; its encoder is the untrained one of `encoder_seed`."""

    def make(encoder_seed=5, name="run"):
        run = Run(tmp_path / name, RECIPE, "photos", 5, 3, [0.45] * 3, [0.2] * 3)
        run.folder.mkdir()
        run.write_config()
        shutil.copyfile(untrained(encoder_seed), run.encoder_path)
        return run

    return make
