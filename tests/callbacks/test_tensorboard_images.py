"""The pictures in the event file, read back as TensorBoard reads them."""

import io

import keras
import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from byol_keras.augment import TwoViews
from byol_keras.callbacks import TensorBoardImages
from byol_keras.data import from_arrays
from byol_keras.sheets import GAP, view_sheet

CELL = 96


def test_views_once_and_neighbours_after_each_epoch(tiny_byol, view_pair, tmp_path):
    # Four shades of red, three pictures each, so the neighbours of one are the two others of its shade.
    reds = np.repeat(np.array([0, 80, 160, 240], np.uint8), 3)
    images = np.zeros((12, 8, 8, 3), np.uint8)
    images[..., 0] = reds[:, None, None]
    pictures, views = from_arrays(images), TwoViews(8)
    model = tiny_byol()
    model.compile(keras.optimizers.SGD(0.0))
    callback = TensorBoardImages(tmp_path, pictures, views)
    model.fit((view_pair[0], view_pair[1]), batch_size=12, epochs=2, verbose=0, callbacks=[callback])

    events = EventAccumulator(str(tmp_path / "images"), size_guidance={"tensors": 0}).Reload()
    written = {
        tag: [event.tensor_proto.string_val for event in events.Tensors(tag)] for tag in events.Tags()["tensors"]
    }
    assert {tag: len(pictures) for tag, pictures in written.items()} == {"views": 1, "neighbours": 2}
    shown = {tag: np.asarray(Image.open(io.BytesIO(values[-1][2]))) for tag, values in written.items()}
    np.testing.assert_array_equal(shown["views"], np.asarray(view_sheet(pictures, views)))

    middles = GAP + CELL // 2 + (CELL + GAP) * np.arange(9)
    # Row 0 is about the first picture; its own is nearest, and no other shade comes before the two others of its.
    assert shown["neighbours"][middles[0], middles[:4], 0].tolist()[:3] == [0, 0, 0]
    rows = shown["neighbours"][middles[:8]][:, middles[:3], 0]
    np.testing.assert_array_equal(rows, np.repeat(reds[np.linspace(0, 11, 8).astype(int)][:, None], 3, axis=1))
