"""Files that are whole or not there; what the disk refuses is one line, a bug is not."""

import errno
import os
import subprocess

import pytest

from byol_keras.errors import InputError
from byol_keras.utils.atomic import atomic_path, check_writable, write_files


def fail_halfway(path):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("a bug")


def test_nothing_stands_under_the_name_before_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "er" / "notes.txt"
    with atomic_path(path) as temporary:
        temporary.write_text("all of it")
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "all of it"
    with pytest.raises(RuntimeError, match="a bug"):
        fail_halfway(path)
    assert path.read_text() == "all of it"
    assert list(path.parent.iterdir()) == [path]


def test_folders_too(tmp_path):
    with atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
        (temporary / "file").touch()
    assert (tmp_path / "folder" / "file").exists()
    (tmp_path / "other").mkdir()
    with pytest.raises(RuntimeError, match="a bug"):
        fail_halfway(tmp_path / "other" / "new")
    assert not any((tmp_path / "other").iterdir())
    (tmp_path / "other").rmdir()
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_path_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "in it").mkdir(parents=True)
    below = tmp_path / "file" / "notes.txt"
    with pytest.raises(InputError, match=r"Cannot write .*notes\.txt: .*file is not a folder\. Choose another path"):
        write_files({below: b"text"})
    with pytest.raises(InputError, match=r"Cannot write .*notes\.txt: .*file is not a folder\. Choose another path"):
        check_writable(below)
    with pytest.raises(InputError, match=r"Cannot write .*folder: Is a directory"):
        write_files({tmp_path / "folder": b"text"})
    with pytest.raises(InputError, match="folder is a folder: name a file in it"):
        check_writable(tmp_path / "folder")
    # Asking makes nothing.
    check_writable(tmp_path / "new" / "deep" / "notes.txt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_folder_without_permission(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user may write everywhere")
    for attempt in (check_writable, lambda path: write_files({path: b""})):
        with pytest.raises(InputError, match=r"Cannot write .*: Permission denied"):
            attempt(closed / "notes.txt")


def test_a_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        with (
            pytest.raises(InputError, match=r"big: No space left on device\. Nothing was left there\. Free some space"),
            atomic_path(disk / "big") as temporary,
        ):
            temporary.write_bytes(b"0" * 100_000)
        assert not any(disk.iterdir())
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_error_of_another_file_is_not_taken_for_the_disks(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "notes.txt"):
        (tmp_path / "absent").read_text()
    with pytest.raises(OSError, match="broken pipe"), atomic_path(tmp_path / "notes.txt"):
        raise OSError(errno.EPIPE, "broken pipe")
    with pytest.raises(InputError, match=r"notes\.txt: No space left on device"), atomic_path(tmp_path / "notes.txt"):
        # As HDF5 words it.
        raise OSError("Can't write data (errno = 28, error message = 'No space left on device')")
    assert not any(tmp_path.iterdir())
