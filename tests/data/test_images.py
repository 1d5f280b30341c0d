import numpy as np
import pytest

from byol_keras.data import ImageSource, from_arrays
from byol_keras.data.encoded import MemoryImages
from byol_keras.data.images import shorter_side


@pytest.fixture
def source():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((5, 2, 3, 1), np.uint8)
    return from_arrays(images, labels=[0, 1, 0, 1, 2], class_names=["a", "b", "c"])


def test_length_and_channels(source):
    assert len(source) == 5
    assert source.channels == 1


def test_encoded_images_are_rgb():
    assert ImageSource(names=("0",), sizes=np.array([[2, 2]], np.int32), encoded=MemoryImages([b""])).channels == 3


def test_subset_follows_the_order_of_the_indices(source):
    part = source.subset([3, 0])
    assert part.names == ("3", "0")
    assert part.images[:, 0, 0, 0].tolist() == [3, 0]
    assert part.labels.tolist() == [1, 0]
    assert part.sizes.tolist() == [[2, 3], [2, 3]]
    assert part.class_names == ("a", "b", "c")


def test_a_stretch_of_pixels_is_not_copied(source):
    for indices in (slice(1, 4), [1, 2, 3], np.array([False, True, True, True, False]), range(5)):
        part = source.subset(indices)
        assert np.shares_memory(part.images, source.images)
        assert part.names == [source.names[i] for i in np.arange(5)[indices]]
    assert not np.shares_memory(source.subset([1, 2, 4]).images, source.images)


def test_subset_takes_a_mask(source):
    assert source.subset(source.labels == 1).names == ("1", "3")


def test_subset_of_files_has_no_broken_ones():
    source = ImageSource(
        names=("a", "b"),
        sizes=np.array([[2, 2], [3, 3]], np.int32),
        paths=("/a", "/b"),
        encoded=MemoryImages([b"a", b"b"]),
        jpeg=np.array([True, False]),
        broken=(("c", "empty"),),
    )
    part = source.subset(np.array([1]))
    assert (part.paths, list(part.encoded), part.jpeg.tolist(), part.broken) == (("/b",), [b"b"], [False], ())
    assert part.labels is None


def test_subset_refuses_an_index_beyond_the_end(source):
    with pytest.raises(IndexError):
        source.subset([5])


def test_the_side_is_the_median_of_the_shorter_ones():
    sizes = np.array([[500, 375], [375, 500], [30, 4000], [400, 400], [300, 200]], np.int32)
    assert shorter_side(ImageSource(names=tuple("abcde"), sizes=sizes, encoded=MemoryImages([b""] * 5))) == 375
