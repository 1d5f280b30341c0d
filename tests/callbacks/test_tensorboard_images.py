"""The images in the event file, read back as TensorBoard reads them."""

import io

import keras
import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from byol_keras.augment import TwoViews
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

    events = EventAccumulator(str(tmp_path / "images"), size_guidance={"tensors": 0}).Reload()
    written = {
        tag: [event.tensor_proto.string_val for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]
    }
    assert {tag: len(source) for tag, source in written.items()} == {"views": 1, "neighbors": 2}
    shown = {tag: np.asarray(Image.open(io.BytesIO(values[-1][2]))) for tag, values in written.items()}
    np.testing.assert_array_equal(shown["views"], np.asarray(view_grid(source, views)))

    for row in range(8):
        tiles = [tile(shown["neighbors"], row, column) for column in range(4)]
        np.testing.assert_array_equal(tiles[0][::12, ::12], images[np.linspace(0, 11, 8).astype(int)[row]])
        assert [np.array_equal(tiles[0], other) for other in tiles[1:]] == [True, True, False]


def tile(image_grid, row, column):
    """The pixels of one image of a grid."""
    top, left = GAP + row * (CELL + GAP), GAP + column * (CELL + GAP)
    return image_grid[top : top + CELL, left : left + CELL]


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
