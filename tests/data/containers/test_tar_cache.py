"""The headers of a tar are read once, and again when they may be others."""

import os

import numpy as np
import pytest

from byol_keras.data.containers import tar_cache
from byol_keras.data.containers.tar_cache import cached_index
from byol_keras.data.containers.tar_index import index_tar

from .test_tars import encoded, write


@pytest.fixture
def caches(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches/byol_keras/indexes"


@pytest.fixture
def read(monkeypatch):
    """The archives whose headers are read, from now on."""
    paths = []

    def noting(path):
        paths.append(path)
        return index_tar(path)

    monkeypatch.setattr(tar_cache, "index_tar", noting)
    return paths


@pytest.fixture
def archive(caches, tmp_path):
    members = [("b/0.jpg", encoded(0)), ("b/0.cls", b"7"), ("../1.jpg", b"out"), ("ü\udce9.png", b"?"), ("2.png", b"")]
    return str(write(tmp_path / "a.tar", members))


def facts(index):
    assert all(each.dtype == np.int64 for each in (index.starts, index.lengths, index.labels))
    return list(index.names), index.starts.tolist(), index.lengths.tolist(), index.labels.tolist(), index.broken


def test_opened_again_no_header_is_read_and_all_is_the_same(archive, read):
    found = facts(index_tar(archive))
    assert found[0] == ["b/0.jpg", "2.png"]
    assert found[3] == [7, -1]
    assert len(found[4]) == 2
    assert [facts(cached_index(archive)) for _ in range(3)] == [found] * 3
    assert read == [archive]


def test_a_tar_that_has_changed_is_read_again(archive, read, tmp_path):
    cached_index(archive)
    # As long as before, and with its time of change set back.
    before = os.path.getsize(archive)
    write(archive, [("b/3.jpg", encoded(0)), ("b/0.cls", b"6"), ("../1.jpg", b"out"), ("é.png", b"?"), ("2.png", b"")])
    assert os.path.getsize(archive) == before
    assert list(cached_index(archive).names) == ["b/3.jpg", "é.png", "2.png"]
    assert len(read) == 2


def test_one_that_has_just_been_written_may_change_unseen(archive, read):
    os.utime(archive)
    cached_index(archive)
    cached_index(archive)
    assert len(read) == 2


def test_what_is_cut_off_is_read_again(archive, read):
    with open(archive, "r+b") as file:
        file.truncate(1500)
    os.utime(archive, (1e9, 1e9))
    assert cached_index(archive).broken == cached_index(archive).broken != ()
    assert len(read) == 2


@pytest.mark.parametrize("damage", ["a byte", "cut off", "of another archive"])
def test_a_cache_that_cannot_be_used_is_said_and_made_anew(damage, archive, caches, read, tmp_path, capsys):
    found = facts(cached_index(archive))
    (path,) = caches.iterdir()
    if damage == "of another archive":
        other = str(write(tmp_path / "b.tar", [("9.jpg", encoded(9))]))
        cached_index(other)
        (mine,) = (each for each in caches.iterdir() if each != path)
        path.write_bytes(mine.read_bytes())
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-40] if damage == "cut off" else content[:200] + b"#" + content[201:])
    read.clear()
    assert facts(cached_index(archive)) == found
    assert read == [archive]
    assert f"the headers of {archive} are read again." in capsys.readouterr().err
    assert facts(cached_index(archive)) == found
    assert read == [archive]
