"""The parts of batches that workers make, against the whole batches of one process."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from byol_keras.augment import TwoViews
from byol_keras.data import from_arrays, open_source
from byol_keras.data.train_pipeline import two_view_batches
from byol_keras.errors import InputError

BATCH, STEPS = 12, 4


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """One in memory, and one of files of several sizes."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 20, 20, 3), np.uint8)
    for i, image in enumerate(images):
        Image.fromarray(image[: 16 + i % 4]).save(folder / f"{i:02}.{'png' if i % 3 else 'jpg'}")
    return {"memory": from_arrays(images), "files": open_source(folder)}


def batches(source, context=None, first_step=0):
    made = two_view_batches(source, TwoViews(8), BATCH, STEPS, 3, first_step, input_context=context)
    return [np.stack([view.numpy() for view in views]) for (views,) in made]


@pytest.mark.parametrize(("name", "workers", "replicas"), [("memory", 1, 2), ("files", 2, 4)])
def test_workers_make_the_parts_of_one_batch(sources, name, workers, replicas):
    source, found = sources[name], []
    for worker in range(workers):
        made = batches(source, tf.distribute.InputContext(workers, worker, replicas))
        assert [views.shape for views in made] == [(2, BATCH // replicas, 8, 8, 3)] * (STEPS * replicas // workers)
        # A worker's replicas take one element each, in turns.
        found.append(np.stack(made).reshape(STEPS, replicas // workers, 2, BATCH // replicas, 8, 8, 3))
    parts = np.concatenate(found, axis=1).swapaxes(1, 2).reshape(STEPS, 2, BATCH, 8, 8, 3)
    np.testing.assert_array_equal(parts, batches(source))


def test_they_go_on_at_any_step(sources):
    source, context = sources["files"], tf.distribute.InputContext(2, 1, 4)
    np.testing.assert_array_equal(batches(source, context, 3), batches(source, context)[3 * 2 :])


def test_replicas_must_divide_a_batch(sources):
    with pytest.raises(InputError, match=r"each of 5 replicas\. Received: batch_size=12"):
        batches(sources["memory"], tf.distribute.InputContext(1, 0, 5))
