import numpy as np
import pytest

from byol_keras.data.arrays import from_arrays
from byol_keras.data.exclude import excluding, read_names
from byol_keras.data.images import ImageSource
from byol_keras.errors import InputError

NAMES = ("Ann/1.png", "Ann/2.png", "Anna/1.png", "Bob/deep/3.png", "alone.png")


def images(broken=()):
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    return ImageSource(names=NAMES, sizes=np.ones((5, 2), np.int32), images=images, broken=broken)


@pytest.mark.parametrize(
    ("exclude", "included"),
    [
        (["Ann"], NAMES[2:]),
        (["Ann/2.png", "alone.png"], (NAMES[0], *NAMES[2:4])),
        (["Bob/deep"], (*NAMES[:3], NAMES[4])),
        ([], NAMES),
    ],
)
def test_images_and_whole_folders_are_excluded(exclude, included):
    remaining = excluding(images(), exclude)
    assert remaining.names == included
    assert remaining.images[:, 0, 0, 0].tolist() == [NAMES.index(name) for name in included]


def test_a_name_that_is_nothing_of_the_source_is_a_mistake():
    with pytest.raises(InputError, match=r"2 of the 3 names to exclude are no image and no folder .*: An, Bob/de"):
        excluding(images(), ["Bob/de", "Ann", "An"])


def test_an_image_that_cannot_be_decoded_is_no_mistake():
    assert excluding(images(broken=(("Cut/0.png", "too short"),)), ["Cut", "Ann"]).names == NAMES[2:]


def test_nothing_left_is_a_mistake():
    with pytest.raises(InputError, match="All 2 images of the source are excluded"):
        excluding(from_arrays(np.zeros((2, 4, 4, 3), np.uint8)), ["0", "1"])


def test_the_list_is_a_text_file(tmp_path):
    path = tmp_path / "held-out.txt"
    path.write_text("Ann/\n\n  Bob Lee/1.png \n")
    assert read_names(path) == ["Ann", "Bob Lee/1.png"]
    path.write_text("\n")
    with pytest.raises(InputError, match="names nothing"):
        read_names(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_names(path)
