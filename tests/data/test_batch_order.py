"""Which images a batch of training is made of."""

import numpy as np
import pytest

from byol_keras.data.batch_order import batch_indices, batch_order, steps_per_epoch
from byol_keras.errors import InputError


def epochs(source, batch_size, seed, count):
    """The indices of each of `count` epochs."""
    steps = steps_per_epoch(source, batch_size)
    order = np.stack([batch_indices(source, batch_size, seed, step) for step in range(count * steps)])
    return order.reshape(count, -1).tolist()


def test_every_epoch_has_an_order_of_its_own_and_no_image_twice(arrays):
    first, second, third = epochs(arrays, 5, 1, 3)
    assert sorted(first) == sorted(second) == sorted(third) == list(range(10))
    assert first != second != third != first


def test_the_rest_that_is_skipped_is_another_in_each_epoch(arrays):
    made = epochs(arrays, 4, 0, 6)
    assert all(len(set(epoch)) == 8 for epoch in made)
    assert set().union(*map(set, made)) == set(range(10))


def test_another_seed_gives_another_order(arrays):
    assert epochs(arrays, 5, 0, 1) != epochs(arrays, 5, 1, 1)


def test_without_shuffling_it_is_the_order_of_the_source(arrays):
    order = batch_order(arrays, 4, 0, shuffle=False)
    assert [order(step).numpy().tolist() for step in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]]


@pytest.mark.parametrize(("batch_size", "said"), [(1, "at least 2"), (11, "larger than the data, 10 images")])
def test_batches_that_cannot_be_made(arrays, batch_size, said):
    with pytest.raises(InputError, match=said):
        steps_per_epoch(arrays, batch_size)
