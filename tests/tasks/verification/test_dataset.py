import numpy as np
import pytest

from byol_keras.errors import InputError
from byol_keras.tasks.verification.dataset import fold_numbers, identity, locate_pairs, read_pairs

LFW = "2\t1\nAnn\t1\t4\nBob Lee\t2\tCid\t10\nDan\t3\t1\nEve\t1\tDan\t2\n"
CSV = 'fold,a,b,same\n1,x/1.png,x/2.png,1\n1,x/1.png,"y, z/1.png",0\n7,u.png,v.png,1\n7,u.png,./w.png,0\n'


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "pairs.txt"
        path.write_text(text)
        return path

    return write


def test_lfw_pairs(written):
    pairs = read_pairs(written(LFW))
    assert pairs.a == ("Ann/Ann_0001", "Bob Lee/Bob Lee_0002", "Dan/Dan_0003", "Eve/Eve_0001")
    assert pairs.b == ("Ann/Ann_0004", "Cid/Cid_0010", "Dan/Dan_0001", "Dan/Dan_0002")
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.folds.tolist() == [1, 1, 2, 2]
    assert pairs.identities() == {"Ann", "Bob Lee", "Cid", "Dan", "Eve"}
    assert pairs.in_folds([2]).identities() == {"Dan", "Eve"}


def test_spaces_may_stand_for_tabs(written):
    pairs = read_pairs(written(LFW.replace("Bob Lee", "Bob").replace("\t", "  ") + "\n"))
    assert pairs.a[1] == "Bob/Bob_0002"


def test_csv_pairs(written):
    pairs = read_pairs(written(CSV))
    assert pairs.b == ("x/2.png", "y, z/1.png", "v.png", "w.png")
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.folds.tolist() == [1, 1, 7, 7]
    assert pairs.in_folds([7]).identities() == {"u.png", "v.png", "w.png"}
    assert pairs.in_folds([1]).identities() == {"x", "y, z"}


def test_a_person_is_the_first_folder_on_the_path(written):
    assert [identity(name) for name in ("a/b/c.jpg", "a/c.jpg", "c.jpg")] == ["a", "a", "c.jpg"]
    pairs = read_pairs(written(CSV.replace("x/1.png,x/2.png", "x/day/1.png,x/night/2.png")))
    assert pairs.in_folds([1]).identities() == {"x", "y, z"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: .* an empty file"),
        ("Ann\t1\t4\n", "line 1: "),
        ("0\t1\n", "line 1: "),
        ("2\t1\nAnn\t1\n", "line 2: a pair is"),
        ("2\t1\nAnn\t1\t4\nBob\t2\tCid\tten\n", "line 3: a pair is"),
        (LFW + "Fay\t1\t2\n", r"2 folds of 1 \+ 1 pairs, 4 in all, but 5 follow"),
        ("2\t1\n../Ann\t1\t4\n", "line 2: .* is not a path below"),
        ("2\t1\n/Ann\t1\t4\n", "line 2: .* is not a path below"),
        ("1\t1\nAnn\t1\t4\nBob\t2\tCid\t1\n", "2 folds or more, .* Received: 1"),
        ("2\t1\nAnn\t1\t4\nAnn\t1\t2\nBob\t2\tCid\t1\nBob\t2\tDan\t1\n", "fold 1 has no pair of two different"),
        ("fold,a,b,same\n", "2 folds or more, .* Received: 0"),
        ("fold,a,b\n1,x,y\n", "line 1: "),
        (CSV + "7,u.png,v.png\n", "line 6: a pair is"),
        (CSV + "7,u.png,v.png,yes\n", "line 6: a pair is"),
        (CSV + "0,u.png,v.png,1\n", "line 6: a pair is"),
        (CSV + "9999999,u.png,v.png,1\n", "line 6: a pair is"),
        (CSV + f'7,"u.png,{"x" * 140_000}\n', "line 6: field larger than"),
        (CSV + "7,u.png,a/../../v.png,1\n", "line 6: .* is not a path below"),
        (CSV + "8,u.png,v.png,0\n", "fold 8 has no pair of the same"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(written, text, said):
    with pytest.raises(InputError, match=said):
        read_pairs(written(text))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(InputError, match="not a text file"):
        read_pairs(tmp_path / "image.jpg")


def test_images_are_found_with_and_without_their_ending(written):
    names = ["x/1.jpg", "x/1.png", "x/2.png", "y, z/1.png", "u.png", "v.png", "w.png"]
    expected = [[1, 2], [1, 3], [4, 5], [4, 6]]
    np.testing.assert_array_equal(locate_pairs(read_pairs(written(CSV)), names, "here"), expected)
    names = ["Ann/Ann_0001.webp", "Ann/Ann_0004.jpg", "Bob Lee/Bob Lee_0002.jpg", "Cid/Cid_0010.jpg"]
    pairs = read_pairs(written(LFW)).in_folds([1])
    np.testing.assert_array_equal(locate_pairs(pairs, names, "here"), [[0, 1], [2, 3]])


def test_missing_images_are_counted_and_the_first_named(written):
    with pytest.raises(InputError, match=r"5 of the 8 images .* not in here, .*: Ann/Ann_0004, .* Dan/Dan_0003\."):
        locate_pairs(read_pairs(written(LFW)), ["Ann/Ann_0001.jpg", "Dan/Dan_0001.jpg", "Eve/Eve_0001.jpg"], "here")
    with pytest.raises(InputError, match=r"and 3 more\."):
        locate_pairs(read_pairs(written(LFW)), [], "here")


def test_folds_as_one_writes_them():
    assert fold_numbers("6-10") == [6, 7, 8, 9, 10]
    assert fold_numbers("3, 1") == [1, 3]
    assert fold_numbers("1-2,2-3,9") == [1, 2, 3, 9]


@pytest.mark.parametrize("text", ["", "a", "0", "3-1", "1-", "-3", "1,,2", "1-99999999999"])
def test_folds_that_are_none(text):
    with pytest.raises(InputError, match="`folds` takes numbers"):
        fold_numbers(text)


def test_a_fold_that_there_is_not(written):
    with pytest.raises(InputError, match="No pair is in fold 3; the folds are 1, 2"):
        read_pairs(written(LFW)).in_folds([1, 3])
