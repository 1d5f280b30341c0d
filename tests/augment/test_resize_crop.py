import numpy as np
import tensorflow as tf

from byol_keras.augment.resize_crop import canvas_crop, virtual_boxes

RNG = np.random.default_rng(0)


def test_boxes_have_the_sizes_that_are_asked_for_and_lie_on_the_canvas():
    boxes = virtual_boxes(4000, (64, 96), (64, 144), ((0.6, 1.5), (0.6, 1.5)), tf.constant([0, 1])).numpy()
    top, left, height, width = boxes.T
    assert top.min() == left.min() == 0
    assert (top + height).max() == 64
    assert (left + width).max() == 144
    assert (height.min(), height.max()) == (38, 64)  # 0.6 * 64, and the canvas
    assert (width.min(), width.max()) == (58, 144)
    # Heights above the canvas become it: those of 1.0 and more, of 0.6 to 1.5.
    assert abs((height == 64).mean() - 5 / 9) < 0.03
    assert abs(width.mean() - 1.05 * 96) < 1
    # Each is drawn by itself.
    assert abs(np.corrcoef(height, width)[0, 1]) < 0.05


def test_the_box_of_the_spectrogram_itself_gives_it_back():
    spectrograms = RNG.random((2, 8, 10, 1), np.float32)
    boxes = tf.constant([[0, 2, 8, 10]] * 2)
    np.testing.assert_allclose(canvas_crop(spectrograms, boxes, (8, 15)), spectrograms, atol=1e-6)


def test_around_it_is_what_is_asked_for():
    spectrograms = np.ones((1, 8, 10, 1), np.float32)
    cropped = canvas_crop(spectrograms, tf.constant([[0, 0, 8, 10]]), (8, 15), 0.25).numpy()[0, :, :, 0]
    np.testing.assert_allclose(cropped, np.tile([0.25] * 2 + [1.0] * 8, (8, 1)), atol=1e-6)


def test_half_the_height_is_stretched_to_all_of_it():
    spectrograms = np.tile(np.repeat([0.2, 0.8], 4)[:, None, None], (1, 1, 10, 1)).astype(np.float32)
    cropped = canvas_crop(spectrograms, tf.constant([[4, 2, 4, 10]]), (8, 15)).numpy()
    np.testing.assert_allclose(cropped, 0.8, atol=1e-6)
