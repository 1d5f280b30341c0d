"""Images and boxes in the letterbox of a detector."""

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.detection.letterbox import fitted_sizes, from_letterbox, letterbox_size, letterboxed, to_letterbox


@pytest.mark.parametrize(
    ("sizes", "image_size", "letterbox"),
    [
        ([(180, 240)], 256, (192, 256)),
        ([(480, 640), (500, 640)], 256, (224, 256)),  # 500 * 256 / 640 = 200
        ([(100, 200), (200, 100)], 128, (128, 128)),
        ([(90, 90)], 100, (128, 128)),
    ],
)
def test_letterbox_holds_every_image_in_cells_of_32(sizes, image_size, letterbox):
    assert letterbox_size(sizes, image_size) == letterbox


def test_small_letterbox_is_refused():
    with pytest.raises(InputError, match="at least 64"):
        letterbox_size([(100, 100)], 63)


def test_fitted_images_touch_the_letterbox_and_keep_their_proportions():
    np.testing.assert_array_equal(
        fitted_sizes([(180, 240), (100, 100), (50, 400)], (192, 256)), [(192, 256), (192, 192), (32, 256)]
    )


@pytest.mark.parametrize("size", [(180, 240), (97, 61), (40, 333)])
def test_boxes_come_back(size):
    letterbox = (192, 256)
    boxes = np.array([[0, 0, size[1], size[0]], [3.5, 7, 20, 31.25]], np.float32)
    there = to_letterbox(boxes, size, letterbox)
    np.testing.assert_allclose(there[0, 2:], fitted_sizes([size], letterbox)[0][::-1], rtol=1e-6)
    np.testing.assert_allclose(from_letterbox(there, size, letterbox), boxes, rtol=1e-5, atol=1e-4)


def test_boxes_are_cut_off_at_the_edges_of_the_image():
    # A square image fills the left 192 of 256 columns.
    found = from_letterbox([[-5, 10, 250, 200]], (96, 96), (192, 256))
    np.testing.assert_allclose(found, [[0, 5, 96, 96]])


def test_an_object_is_where_its_box_is():
    size, letterbox, box = (60, 100), (96, 128), [30, 12, 70, 48]
    image = np.zeros((*size, 3), np.uint8)
    image[box[1] : box[3], box[0] : box[2]] = 255
    drawn = letterboxed(image, fitted_sizes([size], letterbox)[0], letterbox, lambda x: x).numpy()[..., 0]
    rows, columns = np.flatnonzero(drawn.max(1) > 0.5), np.flatnonzero(drawn.max(0) > 0.5)
    seen = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(to_letterbox([box], size, letterbox)[0], seen, atol=0.51)


def test_the_rest_of_the_letterbox_is_zero_after_normalization():
    drawn = letterboxed(np.full((50, 100, 3), 255, np.uint8), (64, 128), (96, 128), lambda x: (x - 0.4) / 0.2).numpy()
    np.testing.assert_allclose(drawn[:64], 3.0, rtol=1e-5)
    assert not drawn[64:].any()


def test_16_bits_give_what_8_bits_give():
    image = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    fitted = fitted_sizes([(60, 100)], (96, 128))[0]
    drawn, deep = (
        letterboxed(pixels, fitted, (96, 128), lambda x: x).numpy() for pixels in (image, image.astype(np.uint16) * 257)
    )
    np.testing.assert_allclose(deep, drawn, atol=1e-6)
    assert 0.5 < drawn.max() <= 1
