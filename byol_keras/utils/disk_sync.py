"""What was written, on the disk itself: after a power cut it is there."""

import contextlib
import errno
import os
from pathlib import Path

# Of file systems that cannot do it for a folder, and of folders that may be written and not read.
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)


def sync_content(path: str | os.PathLike) -> None:
    """Waits until a file, or a folder with all that is in it, is on the disk; links are not followed.

    Args:
        path: must exist.

    Raises:
        OSError: where the disk does not take it. Some file systems report a full disk only now.
    """
    path = Path(path)
    if path.is_symlink() or not path.is_dir():
        _sync_file(path)
        return
    for place, _, files in os.walk(path):
        for name in files:
            _sync_file(Path(place, name))
        sync_entries(place)


def sync_entries(folder: str | os.PathLike) -> None:
    """Waits until the names in a folder are on the disk: a new file's, and a renamed one's.

    Without it a file can be whole on the disk and have its old name there. Where the system cannot do it for folders,
    as Windows, or the file system, as some shared ones, the names are written when these see fit, as SQLite leaves it.

    Args:
        folder: must exist.

    Raises:
        OSError: where the disk fails.
    """
    if os.name != "posix":
        return
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _sync_file(path):
    if path.is_file() and not path.is_symlink():
        _sync(path)


def _sync(path):
    # Windows syncs what is open for writing only.
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR | os.O_BINARY)
    try:
        os.fsync(descriptor)
    finally:
        with contextlib.suppress(OSError):  # of a sync that failed, and was said
            os.close(descriptor)
