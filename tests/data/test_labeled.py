import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.data.labeled import class_names_of, open_train_and_test
from byol_keras.errors import InputError


def test_sources_of_the_same_classes(sources):
    train, test = open_train_and_test(*sources)
    assert (len(train), len(test)) == (72, 24)
    assert class_names_of(train) == ("red", "green", "blue")


def test_classes_without_names_have_numbers():
    assert class_names_of(from_arrays(np.zeros((3, 8, 8, 3), np.uint8), np.array([0, 2, 1]))) == ("0", "1", "2")


def test_what_cannot_be_compared(sources, write_images, tmp_path):
    images = np.zeros((4, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "none.npz", images=images)
    np.savez(tmp_path / "one.npz", images=images, labels=np.zeros(4, int))
    np.savez(tmp_path / "two.npz", images=images, labels=[0, 0, 1, 1], class_names=["red", "green", "blue"])
    other = write_images(tmp_path / "other.npz", 4, 0, ("red", "green", "violet"))
    for train, test, said in (
        (tmp_path / "none.npz", sources[1], "has no labels"),
        (tmp_path / "one.npz", sources[1], "has one class only"),
        (sources[0], tmp_path / "one.npz", "has one class only"),
        (sources[0], other, r"same classes.*3 classes \(red, green, blue\) and 3 classes \(red, green, violet\)"),
        (tmp_path / "two.npz", sources[1], "has no image of the class blue"),
    ):
        with pytest.raises(InputError, match=said):
            open_train_and_test(train, test)


def test_one_source_for_both_is_said(sources, capfd):
    open_train_and_test(*sources)
    assert capfd.readouterr().err == ""
    open_train_and_test(sources[0], sources[0])
    assert "the figures say nothing of other images" in capfd.readouterr().err
