import json

import numpy as np
import pytest

from byol_keras.utils.texts import Texts

# Of one byte to four a letter, empty, not in UTF-8, and half a letter of UTF-16.
NAMES = ["a/0.jpg", "ä ö/猫.png", "", "🐈.gif", "caf\udce9.bmp", "\ud800", "a/0.jpg"]


@pytest.fixture
def texts():
    return Texts.of(NAMES)


def test_every_text_comes_back(texts):
    assert list(texts) == [texts[i] for i in range(len(NAMES))] == NAMES
    assert texts[-1] == "a/0.jpg"
    assert texts[np.int64(1)] == NAMES[1]
    assert np.array(Texts.of(["a", "bc"])).tolist() == ["a", "bc"]
    with pytest.raises(IndexError):
        texts[len(NAMES)]


@pytest.mark.parametrize("index", [slice(2, 5), slice(None, None, -2), [3, 0, 3], np.array([], int)])
def test_some_of_them(texts, index):
    some = texts[index]
    assert isinstance(some, Texts)
    assert list(some) == [NAMES[i] for i in np.arange(len(NAMES))[index]]
    assert list(texts[np.array([name.endswith("jpg") for name in NAMES])]) == ["a/0.jpg"] * 2


def test_a_few_do_not_hold_on_to_the_others():
    many = Texts.of(map(str, range(100_000)))
    assert len(many[[7, 99_999]].buffer) == 6
    assert many[:90_000].buffer is many.buffer


def test_equal_to_any_sequence_of_the_same(texts):
    assert texts == NAMES
    assert tuple(NAMES) == texts
    assert texts == texts[:]
    assert hash(texts) == hash(tuple(NAMES))
    assert texts != NAMES[:-1]
    assert texts != [*NAMES[:-1], "b"]
    assert Texts.of("ab") != "ab"


def test_a_prefix_stands_before_each(texts):
    paths = texts.prefixed("/photos/")
    assert list(paths[:2]) == ["/photos/a/0.jpg", "/photos/ä ö/猫.png"]
    assert paths.buffer is texts.buffer
    assert paths[[1, 0]].compact() == ["/photos/ä ö/猫.png", "/photos/a/0.jpg"]
    assert paths[1] in paths
    assert paths != texts


def test_places_of_other_texts(texts):
    assert texts.places(["🐈.gif", "none", "a/0.jpg"]).tolist() == [3, -1, 6]
    distinct = texts[:6]
    assert distinct.places(distinct).tolist() == [0, 1, 2, 3, 4, 5]
    assert Texts.of([]).places(["a"]).tolist() == [-1]
    assert texts.places(Texts.of([])).tolist() == []


def test_as_a_list_it_is_json(texts):
    assert json.loads(json.dumps(list(texts))) == NAMES
