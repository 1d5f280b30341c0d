import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.data.synthetic import synthetic_images


def test_shapes_types_and_ranges():
    images, labels, class_names = synthetic_images(40, seed=0)
    assert (images.shape, images.dtype) == ((40, 32, 32, 1), np.uint8)
    assert (labels.shape, labels.dtype) == ((40,), np.int64)
    assert len(set(class_names)) == 10
    # No image is of one flat gray, and hardly a pixel is cut off at black or white.
    assert (images.std(axis=(1, 2, 3)) > 8).all()
    assert np.mean((images == 0) | (images == 255)) < 0.05


def test_the_same_seed_gives_the_same_images():
    images, labels, class_names = synthetic_images(30, seed=5)
    again, labels_again, class_names_again = synthetic_images(30, seed=5)
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert class_names == class_names_again


def test_another_seed_gives_other_images():
    train, _, class_names = synthetic_images(200, seed=1)
    test, _, class_names_of_test = synthetic_images(200, seed=2)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert class_names == class_names_of_test


def test_every_kind_is_as_frequent_as_the_others():
    _, labels, _ = synthetic_images(100, seed=3)
    assert np.bincount(labels).tolist() == [10] * 10
    assert (np.diff(labels) != 0).any()


@pytest.mark.parametrize("count", [1, 7])
def test_fewer_images_than_kinds(count):
    images, labels, _ = synthetic_images(count, seed=0)
    assert len(images) == len(set(labels.tolist())) == count


def test_they_are_a_source():
    source = from_arrays(*synthetic_images(20, seed=0))
    assert source.channels == 1
    assert len(source.class_names) == 10
