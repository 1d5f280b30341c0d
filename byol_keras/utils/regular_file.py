"""Files that somebody else named, opened without waiting and without side effects."""

import errno
import os
import stat
from typing import BinaryIO

_KINDS = {
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Opens a file to read its bytes, and nothing but a file.

    Opening a fifo waits for a writer that may never come, a device may have no end, and opening one can already do
    something. So what lies at the path is looked at first, and once more after opening, should it have been replaced.

    Args:
        path: of a file, or a link to one.

    Returns:
        The file, opened to read in binary.

    Raises:
        OSError: where there is no file, it may not be read, or it is something else; `strerror` says what.
    """
    _require_file(os.stat(path), path)
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    try:
        _require_file(os.fstat(file.fileno()), path)
    except OSError:
        file.close()
        raise
    return file


def _open_without_waiting(path, flags):
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such flag, and no fifos with names.


def _require_file(status, path):
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        os.scandir(path).close()  # Where it may not be read, that says more than that it is a folder.
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
    raise OSError(errno.EINVAL, f"{kind}, not a file", os.fspath(path))
