"""The order a run began with, whatever has become of its folder."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from byol_keras.data import from_arrays, open_source
from byol_keras.errors import InputError
from byol_keras.runs.image_list import filled, in_listed_order, write_image_list


@pytest.mark.parametrize(
    ("indices", "expected"),
    [([4, 2, 0], [4, 2, 0]), ([4, -1, -1, 7, -1], [4, 7, 7, 7, 4]), ([-1, 3], [3, 3])],
)
def test_the_next_one_takes_the_place_of_one_that_is_missing(indices, expected):
    assert filled(indices).tolist() == expected


@pytest.fixture
def begun(make_run, tmp_path):
    """A function: sizes -> a run that was begun with 21 images of these widths in turn."""

    def begin(widths):
        (tmp_path / "photos").mkdir()
        for i in range(21):
            pixels = np.full((12, widths[i % len(widths)], 3), i, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / f"{i:02}.png")
        run = dataclasses.replace(make_run(), data=str(tmp_path / "photos"))
        write_image_list(run, open_source(run.data))
        return run

    return begin


@pytest.mark.parametrize("widths", [(12,), (12, 13)], ids=["in memory", "in files"])
def test_images_that_came_and_went_change_no_place(begun, widths, tmp_path):
    run = begun(widths)
    before, _ = in_listed_order(run, open_source(run.data))
    (tmp_path / "photos" / "03.png").unlink()
    (tmp_path / "photos" / "20.png").unlink()
    Image.new("RGB", (12, 12)).save(tmp_path / "photos" / "00a.png")
    after, missing = in_listed_order(run, open_source(run.data))
    assert missing == ("03.png", "20.png")
    expected = list(before.names)
    expected[3], expected[20] = "04.png", "00.png"
    assert after.names == tuple(expected)
    assert (after.images is None) == (before.images is None) == (len(widths) == 2)


def test_images_read_from_files_are_not_held_because_the_odd_one_is_gone(begun, tmp_path):
    # Crops are drawn otherwise from images in memory, so that training would not go on as it was.
    run = begun((12,) * 20 + (13,))
    (tmp_path / "photos" / "20.png").unlink()
    assert open_source(run.data).images is not None
    after, _ = in_listed_order(run, open_source(run.data))
    assert after.images is None
    assert after.paths is not None


def test_images_in_memory_that_no_longer_have_one_size_are_refused(begun, tmp_path):
    run = begun((12,))
    Image.new("RGB", (14, 12)).save(tmp_path / "photos" / "odd.png")
    with pytest.raises(InputError, match=r"were of one size .* Take out what has come since, or free"):
        in_listed_order(run, open_source(run.data))


def test_many_missing_images_are_refused(begun, tmp_path):
    run = begun((12,))
    for i in range(3):
        (tmp_path / "photos" / f"{i:02}.png").unlink()
    with pytest.raises(InputError, match=r"3 of the 21 images .* 00\.png, 01\.png, 02\.png\. Put them back"):
        in_listed_order(run, open_source(run.data))


def test_any_name_is_written_and_read(make_run):
    run, names = make_run(), ["a, ]}.png", "\n", 'x",', "caf\udce9/猫.png", "]}"]
    source = from_arrays(np.zeros((5, 2, 2), np.uint8))
    write_image_list(run, dataclasses.replace(source, names=names))
    assert json.loads(run.image_list_path.read_text()) == {"in_memory": True, "names": names}
    listed, missing = in_listed_order(run, dataclasses.replace(source, names=[*names[::-1]]))
    assert (list(listed.names), missing) == (names, ())


@pytest.mark.parametrize("indent", [None, 1], ids=["on one line", "by another hand"])
def test_a_list_on_other_lines_is_read_as_well(make_run, indent):
    run, source = make_run(), from_arrays(np.zeros((3, 2, 2), np.uint8))
    run.image_list_path.write_text(json.dumps({"in_memory": True, "names": ["2", "0"]}, indent=indent))
    assert in_listed_order(run, source)[0].names == ("2", "0")


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_list_that_was_cut_is_refused(make_run, share):
    run, source = make_run(), from_arrays(np.zeros((9, 2, 2), np.uint8))
    write_image_list(run, source)
    text = run.image_list_path.read_text()
    run.image_list_path.write_text(text[: int(share * len(text))])
    with pytest.raises(InputError, match="cannot be read as the list of a run's images"):
        in_listed_order(run, source)
