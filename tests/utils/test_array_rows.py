import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
import tensorflow as tf

from byol_keras.utils.array_rows import array_rows
from byol_keras.utils.pipeline import parallel_map


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_rows_in_a_pipeline(dtype):
    array = np.arange(60).reshape(10, 3, 2).astype(dtype)[::-1]
    batches = parallel_map(tf.data.Dataset.from_tensor_slices([[0, 9], [3, 3]]), array_rows(array))
    assert batches.element_spec == tf.TensorSpec((2, 3, 2), dtype)
    found = np.stack([*batches.as_numpy_iterator()])
    np.testing.assert_array_equal(found, array[[[0, 9], [3, 3]]])
    assert found.dtype == dtype


def made():
    array = np.arange(10)
    rows, other = array_rows(array), array_rows(array + 100)
    dataset = tf.data.Dataset.range(10).batch(4).map(lambda indices: rows(indices) + other(indices)).prefetch(1)
    return dataset, weakref.ref(array)


def test_a_dataset_holds_the_array_and_no_longer_than_it_is_there_itself():
    dataset, array = made()
    iterator = iter(dataset)
    del dataset
    gc.collect()
    assert np.concatenate([*iterator]).tolist() == [100 + 2 * i for i in range(10)]
    assert array() is not None
    del iterator
    gc.collect()
    assert array() is None


def test_in_a_strategy():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    (dataset, _), total = made(), 0
    distributed = strategy.experimental_distribute_dataset(dataset)
    del dataset
    gc.collect()
    for batch in distributed:
        total += int(tf.reduce_sum(batch))
    assert total == 1090


MEMORY = """
import numpy as np, tensorflow as tf
from byol_keras.data import from_arrays
from byol_keras.data.eval_pipeline import ordered_batches
from byol_keras.data.train_pipeline import labeled_batches, two_view_batches
from byol_keras import TwoViews
def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
def use(count):
    source = from_arrays(np.full((count, 64, 64, 3), 7, np.uint8), np.zeros(count, int))
    before = peak()
    source = source.subset(range(count))
    for batches in (
        ordered_batches(source, 16, 32),
        two_view_batches(source, TwoViews(16), 8, 4, seed=0),
        labeled_batches(source, 16, 8, 4, seed=0),
    ):
        for _ in zip(range(4), batches):
            pass
    return peak() - before
use(100)
print(use(20_000))
"""


@pytest.mark.slow
def test_pixels_in_memory_stand_once():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    # The pixels are 246 MB; what the first use left behind of caches and threads may grow a little.
    assert int(done.stdout) < 100e6
