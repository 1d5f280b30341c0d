import numpy as np
import pytest

from byol_keras.data.variety import Variety
from byol_keras.errors import InputError


def of(*batches):
    variety = Variety()
    for batch in batches:
        variety.add(np.asarray(batch, np.float32))
    return variety


def noise(count, seed=0):
    return np.random.default_rng(seed).random((count, 6, 6, 3), np.float32)


def test_different_images_are_fine():
    variety = of(noise(3), noise(2, seed=1))
    variety.require("photos")
    assert variety.range > 200
    assert variety.report() == ""


def test_copies_of_one_image_teach_nothing():
    one = noise(1)
    variety = of(np.repeat(one, 40, axis=0), np.repeat(one, 24, axis=0))
    with pytest.raises(InputError, match=r"^photos: all 64 images looked at are alike: pixel for pixel\. There is"):
        variety.require("photos")


@pytest.mark.parametrize(("levels", "alike"), [(1, True), (2, False)])
def test_rounding_is_no_difference(levels, alike):
    flat = np.full((2, 6, 6, 3), 0.5)
    flat[1, 2, 3, 1] += levels / 255
    if alike:
        with pytest.raises(InputError, match=r"no pixel differs by more than 1 of 255 levels, and each is of one flat"):
            of(flat).require("photos")
    else:
        of(flat).require("photos")


def test_one_that_differs_in_the_last_batch_is_enough():
    variety = of(np.zeros((50, 6, 6, 1)), np.ones((1, 6, 6, 1)))
    variety.require("photos")
    assert variety.report().startswith("only 2 of the 51 images looked at differ")


def test_one_image_is_not_compared():
    of(noise(1)).require("photos")
    Variety().require("photos")
    assert Variety().report() == ""
