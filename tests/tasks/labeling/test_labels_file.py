"""The file of labels: whole, bound to the images, never silently lost."""

import csv
import os

import pytest

from byol_keras.errors import InputError
from byol_keras.tasks import LabelsFile
from byol_keras.tasks.labeling.labels_file import HEADER

NAMES = ("a.png", "sub/b.png", 'quoted, "c".png')


@pytest.fixture
def folder(tmp_path):
    """The file of labels takes any bytes for an image."""
    (tmp_path / "images" / "sub").mkdir(parents=True)
    for name in NAMES:
        (tmp_path / "images" / name).write_bytes(name.encode())
    return tmp_path / "images"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.csv"


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_labels_come_back_in_their_order(folder, path):
    labels = {NAMES[2]: "cat, big", NAMES[0]: None, NAMES[1]: "dög"}
    LabelsFile(path, folder, NAMES).write(labels)
    assert list(LabelsFile(path, folder, NAMES).labels.items()) == list(labels.items())
    # By coreutils: printf a.png | sha256sum
    digest = "7f071235805fbf58a2524f77bff76e1391d0d1cfe2f4c190d73054495e05b460"
    assert rows(path) == [list(HEADER), rows(path)[1], ["a.png", "", digest], rows(path)[3]]
    assert [path.name for path in path.parent.iterdir() if path.is_file()] == ["labels.csv"]


def test_no_file_is_no_labels(folder, path):
    assert LabelsFile(path, folder, NAMES).labels == {}
    assert not path.exists()


def test_a_file_written_by_hand(folder, path):
    path.write_text("image,class\na.png, cat \n\nsub/b.png,dog\na.png,mouse\n")
    file = LabelsFile(path, folder, NAMES)
    # The later row about an image holds.
    assert list(file.labels.items()) == [("sub/b.png", "dog"), ("a.png", "mouse")]
    file.write(file.labels)
    assert LabelsFile(path, folder, NAMES).labels == file.labels


def test_a_file_of_before_is_read_and_written_anew(folder, path):
    LabelsFile(path, folder, NAMES).write({"a.png": "cat"})
    path.write_text(path.read_text().replace("image,", "picture,", 1))
    file = LabelsFile(path, folder, NAMES)
    assert file.labels == {"a.png": "cat"}
    file.write(file.labels)
    assert rows(path)[0] == list(HEADER)


def test_rows_of_missing_and_changed_images_are_kept_and_not_used(folder, path):
    LabelsFile(path, folder, NAMES).write(dict.fromkeys(NAMES, "x"))
    (folder / NAMES[0]).write_bytes(b"another image")
    rest = NAMES[1:]
    (folder / NAMES[2]).unlink()
    file = LabelsFile(path, folder, NAMES[:2])
    assert file.labels == {NAMES[1]: "x"}
    assert set(file.unused) == {NAMES[0], NAMES[2]}
    file.write({**file.labels, NAMES[0]: "new"})
    assert sorted(row[0] for row in rows(path)[1:]) == sorted([NAMES[0], *rest])
    again = LabelsFile(path, folder, NAMES[:2])
    assert again.labels == {NAMES[1]: "x", NAMES[0]: "new"}
    assert again.unused == (NAMES[2],)


def test_labels_of_another_folder_are_refused_even_with_the_same_names(folder, path, tmp_path):
    LabelsFile(path, folder, NAMES).write(dict.fromkeys(NAMES, "x"))
    other = tmp_path / "other"
    (other / "sub").mkdir(parents=True)
    for name in NAMES:
        (other / name).write_bytes(b"other " + name.encode())
    before = path.read_bytes()
    with pytest.raises(
        InputError, match=r"labels of other images: none of its 3, .* as it was labeled\. Name another file"
    ):
        LabelsFile(path, other, NAMES)
    with pytest.raises(InputError, match="none of its 3"):
        LabelsFile(path, folder, ["z.png"])
    assert path.read_bytes() == before
    # A folder that moved is still the same images.
    folder.rename(tmp_path / "moved")
    assert len(LabelsFile(path, tmp_path / "moved", NAMES).labels) == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "its first line must be image,class,sha256"),
        (b"name,label\na.png,cat\n", "its first line must be"),
        (b"image,class\na.png,cat\na.png\n", "line 3: a line is an image, its class and its sha256"),
        (b"image,class\n,cat\n", "line 2"),
        (b"image,class\na.png,cat,x,y\n", "line 2"),
        (b'image,class\n"a.png,cat\n', "not a file of labels"),
        (b"image,class\n\xff\xfe.png,cat\n", "not a file of labels"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a file of labels"),
    ],
)
def test_a_damaged_file_is_said_and_left_as_it_is(data, said, folder, path):
    path.write_bytes(data)
    with pytest.raises(InputError, match=said) as error:
        LabelsFile(path, folder, NAMES)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == data


def test_a_file_changed_by_somebody_else_is_not_written_over(folder, path):
    first, second = LabelsFile(path, folder, NAMES), LabelsFile(path, folder, NAMES)
    first.write({NAMES[0]: "cat"})
    with pytest.raises(InputError, match="was changed by something else, so nothing was saved"):
        second.write({NAMES[1]: "dog"})
    first.write({NAMES[0]: "cat", NAMES[1]: "dog"})
    assert len(rows(path)) == 3


def test_a_full_disk_leaves_the_file_as_it_was(folder, path, monkeypatch):
    file = LabelsFile(path, folder, NAMES)
    file.write({NAMES[0]: "cat"})
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        file.write({NAMES[0]: "cat", NAMES[1]: "dog"})
    monkeypatch.undo()
    assert path.read_bytes() == before
    file.write({NAMES[0]: "cat", NAMES[1]: "dog"})
    assert len(LabelsFile(path, folder, NAMES).labels) == 2


def test_behind_a_link_the_file_itself_is_written(folder, path, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    LabelsFile(link, folder, NAMES).write({"a.png": "cat"})
    assert link.is_symlink()
    assert LabelsFile(path, folder, NAMES).labels == {"a.png": "cat"}
