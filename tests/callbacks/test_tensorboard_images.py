"""The images in the event file, read back as TensorBoard reads them."""

import dataclasses
import io

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from byol_keras.augment import AudioViews, TwoViews
from byol_keras.callbacks import TensorBoardImages, TensorBoardScalars
from byol_keras.data import from_arrays
from byol_keras.data.grids import GAP, view_grid
from byol_keras.errors import InputError

from ..disks import fill, mounted

CELL = 96


def test_views_once_and_neighbors_after_each_epoch(tiny_byol, view_pair, tmp_path):
    # Four images, each three times, so the neighbors of one are its two copies.
    images = np.repeat(np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8), 3, axis=0)
    source, views = from_arrays(images), TwoViews(8)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    callback = TensorBoardImages(str(tmp_path), source, views)
    for epoch in range(2):
        fit = {"initial_epoch": epoch, "epochs": epoch + 1, "callbacks": [callback]}
        model.fit((view_pair[0], view_pair[1]), batch_size=12, verbose=0, **fit)

    written = images_written(tmp_path)
    assert {tag: len(images) for tag, images in written.items()} == {"views": 1, "neighbors": 2}
    shown = {tag: images[-1] for tag, images in written.items()}
    np.testing.assert_array_equal(shown["views"], np.asarray(view_grid(source, views)))

    for row in range(8):
        tiles = [tile(shown["neighbors"], row, column) for column in range(4)]
        np.testing.assert_array_equal(tiles[0][::12, ::12], images[np.linspace(0, 11, 8).astype(int)[row]])
        assert [np.array_equal(tiles[0], other) for other in tiles[1:]] == [True, True, False]


def images_written(folder):
    """The pixels of the images of each tag."""
    events = EventAccumulator(str(folder / "images"), size_guidance={"tensors": 0}).Reload()
    encoded = {
        tag: [event.tensor_proto.string_val[2] for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]
    }
    return {tag: [np.asarray(Image.open(io.BytesIO(each))) for each in images] for tag, images in encoded.items()}


def tile(image_grid, row, column):
    """The pixels of one image of a grid."""
    top, left = GAP + row * (CELL + GAP), GAP + column * (CELL + GAP)
    return image_grid[top : top + CELL, left : left + CELL]


def test_recordings_have_their_lowest_band_below(tiny_byol, tmp_path):
    spectrograms = np.random.default_rng(0).random((6, 64, 96, 1), np.float32) / 10
    spectrograms[:, :16] += 0.9
    source = dataclasses.replace(from_arrays(spectrograms), sample_rate=8000)
    inputs = keras.Input((64, 96, 1))
    x = keras.layers.Conv2D(4, 3, strides=4)(inputs)
    model = tiny_byol(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    callback = TensorBoardImages(tmp_path, source, AudioViews(96))
    model.fit((spectrograms, spectrograms), batch_size=6, verbose=0, callbacks=[callback])
    for tag, (shown,) in images_written(tmp_path).items():
        pixels = tile(shown, 0, 0)
        assert pixels[: CELL // 2].max() < 30, tag
        assert pixels[-CELL // 8 :].min() > 225, tag


def test_another_model_is_refused(tmp_path):
    source = from_arrays(np.zeros((2, 8, 8, 3), np.uint8))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = TensorBoardImages(tmp_path / "logs", source, TwoViews(8))
    with pytest.raises(InputError, match=r"TensorBoardImages goes with a BYOL model\. Received: Sequential"):
        model.fit(np.zeros((4, 2)), np.zeros(4), verbose=0, callbacks=[callback])
    assert not list(tmp_path.iterdir())


@pytest.fixture
def full_disk(tmp_path):
    """A file system with room for a folder and not for an image."""
    with mounted(tmp_path / "disk", "64k") as disk:
        fill(disk)
        yield disk


@pytest.mark.parametrize("kind", ["images", "scalars"])
def test_a_full_disk_is_one_line(kind, tiny_byol, view_pair, full_disk):
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    folder = full_disk / "logs"
    callback = (
        TensorBoardImages(folder, from_arrays(images), TwoViews(8)) if kind == "images" else TensorBoardScalars(folder)
    )
    with pytest.raises(InputError, match=r"Cannot write .*logs.*No space left on device") as said:
        model.fit(view_pair, batch_size=12, verbose=0, callbacks=[callback])
    assert "\n" not in str(said.value)
