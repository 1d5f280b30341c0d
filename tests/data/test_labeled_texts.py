"""Files of texts, good ones and damaged ones."""

import numpy as np
import pytest

import byol_keras as bk


def written(folder, content, name="texts.tsv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_texts_and_labels(tmp_path):
    content = '\ufeffso good\tgood\r\n\nso,\tso "bad"\tbad \n   \n schön\u2028☃ \tgood'
    texts, labels, names = bk.data.read_texts(written(tmp_path, content))
    assert texts == ["so good", 'so,\tso "bad"', " schön\u2028☃ "]
    assert names == ("bad", "good")
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, [1, 0, 1])


def test_class_names_decide_what_the_labels_count(tmp_path):
    path = written(tmp_path, "a\tx\nb\tz\n")
    np.testing.assert_array_equal(bk.data.read_texts(path, ("z", "y", "x")).labels, [2, 0])
    with pytest.raises(bk.InputError, match=r"texts\.tsv, line 2: 'z' is none of the 2 classes: x, y\."):
        bk.data.read_texts(path, ("x", "y"))


def test_a_txt_has_no_labels(tmp_path):
    texts, labels, names = bk.data.read_texts(written(tmp_path, "one\ttab\n\ntwo\n", "texts.txt"))
    assert (texts, labels, names) == (["one\ttab", "two"], None, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"good\t1\nna\xefve\t0\n", r"texts\.tsv, line 2: not UTF-8, at byte 3\."),
        (b"good\t1\nbad\t0\nnot labeled\n", r"line 3: a line is a text, a tab and a label\. Received: 'not labeled'"),
        (b"good\t\n", r"line 1: a line is a text.*Received: 'good\\t'"),
        (b"good\t1\n\t0\n", r"line 2: a line is a text"),
        (b"good\t1\n\nb\0d\t0\n", r"line 3: a NUL byte, at byte 2\."),
        ("good\t1\n".encode("utf-16"), r"line 1: (not UTF-8|a NUL byte)"),
        (b"", r"texts\.tsv has no texts"),
        (b" \n\r\n", r"texts\.tsv has no texts"),
    ],
)
def test_damaged_files_are_refused_with_the_line(tmp_path, content, message):
    with pytest.raises(bk.InputError, match=message):
        bk.data.read_texts(written(tmp_path, content))


def test_what_is_no_file_of_texts_is_refused(tmp_path):
    with pytest.raises(bk.InputError, match=r"none\.tsv cannot be read: No such file"):
        bk.data.read_texts(tmp_path / "none.tsv")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(bk.InputError, match=r"folder\.txt cannot be read: a folder, not a file"):
        bk.data.read_texts(tmp_path / "folder.txt")
    with pytest.raises(bk.InputError, match=r"a \.tsv, TEXT TAB LABEL, or a \.txt.*Received: .*texts\.csv"):
        bk.data.read_texts(written(tmp_path, "a,1\n", "texts.csv"))
