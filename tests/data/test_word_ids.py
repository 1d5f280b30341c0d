"""Texts as ids of their words."""

import binascii

import numpy as np
import pytest

import byol_keras as bk


def test_words_by_hand():
    ids = bk.data.word_ids(["Don't, don't!", "schön"], length=9, vocabulary=50)
    assert ids.dtype == np.int32
    words = ["don", "'", "t", ",", "don", "'", "t", "!"]
    np.testing.assert_array_equal(ids[0], [binascii.crc32(word.encode()) % 50 + 1 for word in words] + [0])
    np.testing.assert_array_equal(ids[1], [binascii.crc32("schön".encode()) % 50 + 1] + [0] * 8)


def test_ids_go_from_1_to_the_size_of_the_vocabulary():
    ids = bk.data.word_ids([" ".join(map(str, range(1000)))], length=1000, vocabulary=7)
    np.testing.assert_array_equal(np.unique(ids), range(1, 8))


def test_what_is_longer_is_cut_off():
    ids = bk.data.word_ids(["a b c", "a b"], length=2)
    np.testing.assert_array_equal(ids[0], ids[1])


def test_half_a_pair_of_surrogates_is_a_question_mark():
    np.testing.assert_array_equal(bk.data.word_ids(["a \ud800"], 2), bk.data.word_ids(["a ?"], 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bk.data.word_ids("a text", 8), r"\[text\] for one\. Received: 'a text'"),
        (lambda: bk.data.word_ids(["a", " \t"], 8), r"A text must have a word at least\. Received: ' \\t', number 1"),
        (lambda: bk.data.word_ids(["a"], 0), "length=0"),
        (lambda: bk.data.word_ids(["a"], 8, vocabulary=0), "vocabulary=0"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(bk.InputError, match=message):
        call()
