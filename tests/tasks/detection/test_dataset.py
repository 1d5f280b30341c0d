"""Images with boxes, and shares of them."""

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.detection.coco import read_coco


@pytest.fixture(scope="module")
def squares(write_squares, tmp_path_factory):
    return read_coco(write_squares(tmp_path_factory.mktemp("squares") / "train", 10))


def test_a_subset_keeps_images_and_boxes_together(squares):
    chosen = squares.subset([7, 2])
    assert chosen.source.names == ("7.png", "2.png")
    np.testing.assert_array_equal(chosen.source.images[1], squares.source.images[2])
    np.testing.assert_array_equal(chosen.boxes[0], squares.boxes[7])
    assert chosen.objects == 4


def test_a_share_is_drawn_anew_with_each_seed(squares):
    drawn = [squares.random_share(0.3, seed).source.names for seed in range(4)]
    assert all(len(names) == 3 for names in drawn)
    assert len(set(drawn)) > 1
    assert squares.random_share(0.3, 0).source.names == drawn[0]
    assert squares.random_share(1.0, 5).source.names == squares.source.names


@pytest.mark.parametrize("fraction", [0, 1.5, float("nan")])
def test_a_share_that_cannot_be_is_refused(squares, fraction):
    with pytest.raises(InputError, match="above 0 and at most 1"):
        squares.random_share(fraction, 0)


def test_a_share_without_objects_is_refused(squares):
    with pytest.raises(InputError, match="No object is on the 1 images of this subset"):
        squares.subset([9]).random_share(1.0, 0)
