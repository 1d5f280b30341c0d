"""What a detector is trained on."""

import dataclasses

import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.detection.coco import read_coco
from byol_keras.tasks.detection.pipeline import letterboxed_batches, mirror, training_batches

LETTERBOX = (64, 96)


@pytest.fixture(scope="module")
def squares(write_squares, tmp_path_factory):
    return read_coco(write_squares(tmp_path_factory.mktemp("squares") / "train", 6))


def batches(squares, **changes):
    options = {"batch_size": 3, "total_steps": 8, "seed": 0, **changes}
    return list(training_batches(squares, LETTERBOX, lambda x: x, **options).as_numpy_iterator())


def test_boxes_lie_around_the_objects_mirrored_or_not(squares):
    corners = set()
    for images, truth in batches(squares):
        for image, boxes in zip(images, truth["boxes"], strict=True):
            bright = image[..., 0] > 0.7
            boxes = boxes[boxes[:, 0] >= 0].astype(int)
            for left, top, right, bottom in boxes:
                assert bright[top:bottom, left:right].all()
                bright[top:bottom, left:right] = False
                corners.add((left, top, right, bottom))
            assert not bright.any()
    # 10 squares, most of them seen both ways round in four epochs.
    assert len(corners) > 12


def test_an_epoch_has_every_image_once_in_its_own_order(squares):
    def sums(total):
        return [round(float(np.sum(image, dtype=np.float64)), 1) for images, _ in total for image in images]

    seen = sums(batches(squares))
    epochs = [seen[i : i + 6] for i in range(0, 24, 6)]
    assert len({tuple(sorted(epoch)) for epoch in epochs}) == 1
    assert len(set(epochs[0])) == 6
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert sums(batches(squares)) == seen
    assert sums(batches(squares, seed=1)) != seen


def test_an_image_without_boxes_is_padded(squares):
    empty = [
        truth["boxes"][i] for images, truth in batches(squares) for i in range(3) if (truth["classes"][i] < 0).all()
    ]
    assert len(empty) == 4
    assert all((boxes == -1).all() and boxes.shape == (2, 4) for boxes in empty)


def test_crowds_are_excluded(squares):
    crowd = dataclasses.replace(squares, crowd=tuple(np.array([True, False])[: len(c)] for c in squares.crowd))
    shapes = {truth["boxes"].shape for _, truth in batches(crowd)}
    assert shapes == {(3, 1, 4)}


def test_ordered_batches_keep_the_order_and_the_rest(squares):
    images = list(letterboxed_batches(squares.source, LETTERBOX, lambda x: x, batch_size=4).as_numpy_iterator())
    assert [len(batch) for batch in images] == [4, 2]
    np.testing.assert_allclose(images[0][1], squares.source.images[1] / 255, atol=1e-6)


def test_images_of_several_sizes_are_read_from_their_files(squares):
    files = dataclasses.replace(squares, source=dataclasses.replace(squares.source, images=None))
    for (images, truth), (expected, boxes) in zip(batches(files), batches(squares), strict=True):
        np.testing.assert_allclose(images, expected, atol=1e-6)
        np.testing.assert_array_equal(truth["boxes"], boxes["boxes"])


def test_mirrored_twice_is_the_same():
    boxes = np.array([[3, 4, 10, 20], [-1, -1, -1, -1]], np.float32)
    np.testing.assert_array_equal(mirror(boxes, 96)[0], [86, 4, 93, 20])
    np.testing.assert_array_equal(mirror(mirror(boxes, 96), 96), boxes)


@pytest.mark.parametrize("batch_size", [0, 7])
def test_a_batch_that_cannot_be_is_refused(squares, batch_size):
    with pytest.raises(InputError, match=rf"batch_size must be from 1 to 6, .* Received: batch_size={batch_size}$"):
        batches(squares, batch_size=batch_size)


def test_the_end_of_an_iteration_waits_for_no_autotuning(squares):
    made = [
        training_batches(squares, LETTERBOX, lambda x: x, batch_size=3, total_steps=8, seed=0),
        letterboxed_batches(squares.source, LETTERBOX, lambda x: x),
    ]
    assert [batches.options().autotune.enabled for batches in made] == [False] * 2
