import os
import re
import socket

import pytest

from byol_keras.utils.regular_file import open_regular


def test_a_file_and_a_link_to_it_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("fifo", "a fifo, not a file"),
        ("socket", "a socket, not a file"),
        ("folder", "a folder, not a file"),
        ("device", "a device, not a file"),
        ("nothing", "No such file or directory"),
        ("circle", "Too many levels of symbolic links"),
    ],
)
def test_anything_else_says_what_it_is(kind, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    os.mkdir("folder")
    os.symlink("/dev/zero", "device")
    os.symlink("circle", "circle")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    with pytest.raises(OSError, match=re.escape(reason)):
        open_regular(kind)


def test_a_file_that_becomes_a_fifo_while_it_is_opened_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"content")
    status = path.stat()
    path.unlink()
    os.mkfifo(path)
    look = os.stat
    monkeypatch.setattr(os, "stat", lambda where, **options: status if where == path else look(where, **options))
    with pytest.raises(OSError, match="a fifo, not a file"):
        open_regular(path)
