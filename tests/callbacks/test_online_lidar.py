"""LiDAR of the encoder as it stands after an epoch, against `evaluation.lidar` of views made by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import byol_keras as bk
from byol_keras.callbacks import OnlineLidar
from byol_keras.evaluation import lidar

VIEWS = {**bk.VIEW_1, "crop_area": (0.5, 1.0)}


@pytest.fixture
def views():
    return bk.TwoViews(8, VIEWS, VIEWS)


def logged(model, callback, view_pair, epochs=2):
    seen = []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["lidar"]))
    model.fit(view_pair, batch_size=12, epochs=epochs, verbose=0, callbacks=[callback, look])
    return seen


def test_it_is_that_of_ten_views_of_each_image(tiny_byol, view_pair, views):
    source = bk.data.from_arrays(np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8))
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.5), run_eagerly=True)
    first, last = logged(model, OnlineLidar(source, views), view_pair)
    made = [view for draw in range(5) for view in views(source.images, seed=tf.constant([0, draw]))]
    vectors = np.stack([model.encoder.predict(view, verbose=0) for view in made], axis=1)
    assert vectors.shape == (30, 10, 4)
    # Views are held in 8 bits.
    assert last == pytest.approx(lidar(vectors), rel=0.02)
    assert first != last


def test_images_of_several_sizes_and_some_that_are_lost(tiny_byol, view_pair, views, tmp_path, capfd):
    generator = np.random.default_rng(0)
    for i in range(4):
        Image.fromarray(generator.integers(0, 256, (20 + i, 30, 3), np.uint8)).save(tmp_path / f"{i}.png")
    source = bk.data.open_source(tmp_path)
    (tmp_path / "2.png").unlink()
    model = tiny_byol()
    model.compile("sgd", run_eagerly=True)
    values = logged(model, OnlineLidar(source, views), view_pair)
    assert 1 <= min(values) <= max(values) <= 2.1  # three images have two dimensions
    assert capfd.readouterr().err.count("passed over: 2.png (") == 1


def test_without_images_there_is_no_number(tiny_byol, view_pair, views, tmp_path):
    for i in range(2):
        Image.fromarray(np.full((20, 30 + i, 3), 90 * i, np.uint8)).save(tmp_path / f"{i}.png")
    source = bk.data.open_source(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    model = tiny_byol()
    model.compile("sgd", run_eagerly=True)
    assert np.isnan(logged(model, OnlineLidar(source, views), view_pair)).all()


def test_what_does_not_fit_is_said_before_training(tiny_byol, view_pair):
    source = bk.data.from_arrays(np.zeros((4, 20, 20, 3), np.uint8))
    model = tiny_byol()
    model.compile("sgd", run_eagerly=True)
    with pytest.raises(bk.InputError, match=r"takes batches of \(B, 8, 8, 3\)\. Received: one of \(None, 16, 16, 3\)"):
        logged(model, OnlineLidar(source, bk.TwoViews(16)), view_pair)
    assert int(model.steps) == 0
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(bk.InputError, match="OnlineLidar goes with a BYOL"):
        other.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[OnlineLidar(source, bk.TwoViews(16))])
