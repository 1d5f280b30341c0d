"""Texts as ids."""

import binascii

import numpy as np
import pytest

import byol_keras as bk


def test_bytes_by_hand():
    ids = bk.data.byte_ids(["ab", "é", "\0", "longer"], length=4)
    assert ids.dtype == np.int32
    np.testing.assert_array_equal(ids, [[98, 99, 0, 0], [0xC3 + 1, 0xA9 + 1, 0, 0], [1, 0, 0, 0], [109, 112, 111, 104]])


def test_every_byte_has_an_id_of_its_own():
    text = "\x7f€\U0010ffff"
    np.testing.assert_array_equal(bk.data.byte_ids([text], 8)[0], [b + 1 for b in text.encode()])


def test_words_by_hand():
    ids = bk.data.word_ids(["Don't, don't!", "schön"], length=9, vocabulary=50)
    words = ["don", "'", "t", ",", "don", "'", "t", "!"]
    np.testing.assert_array_equal(ids[0], [binascii.crc32(word.encode()) % 50 + 1 for word in words] + [0])
    np.testing.assert_array_equal(ids[1], [binascii.crc32("schön".encode()) % 50 + 1] + [0] * 8)
    assert bk.data.word_ids(["a b c"], length=2).shape == (1, 2)


def test_half_a_pair_of_surrogates_is_a_question_mark():
    np.testing.assert_array_equal(bk.data.byte_ids(["\ud800"], 2), [[ord("?") + 1, 0]])
    assert bk.data.word_ids(["a\ud800"], 2).max() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bk.data.byte_ids("a text", 8), r"\[text\] for one\. Received: 'a text'"),
        (lambda: bk.data.byte_ids(["a", ""], 8), "A text must have a word at least. Received: '', number 1"),
        (lambda: bk.data.word_ids([" \t"], 8), "A text must have a word at least"),
        (lambda: bk.data.byte_ids(["a"], 0), "length=0"),
        (lambda: bk.data.word_ids(["a"], 8, vocabulary=0), "vocabulary=0"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(bk.InputError, match=message):
        call()
