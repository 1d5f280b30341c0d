"""A lock on a file or a folder: one process works on it, and a dead one does not hold it."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .disk_error import cannot_write
from .printable import printable

# In a folder; a file's lock lies beside it, with the file's name in its own.
LOCK_NAME = ".lock"


@contextlib.contextmanager
def exclusive(path: str | os.PathLike) -> Iterator[None]:
    """Works on a file or a folder alone: another process that asks meanwhile is refused at once.

    The lock is the system's, on a file `lock_path(path)`, which stays: it ends with the process, however that ends.
    Who holds it stands in the file, for the other's message.

    Args:
        path: a folder, which must be there; or a file, which need not, in a folder that must.

    Raises:
        InputError: where another process holds it, naming that one, or the lock cannot be written.

    Example:
        with exclusive("runs/photos"):
            train()
    """
    from filelock import FileLock, Timeout

    path = Path(path)
    place = lock_path(path)
    if not place.parent.is_dir():  # which filelock would make
        raise cannot_write(place, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    # Another thread of this process is another holder.
    lock = FileLock(place, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{path} is in use by another process{_holder(place)}: wait for it or end it, or choose another path."
        ) from error
    except OSError as error:
        raise cannot_write(place, error) from error
    try:
        if os.name == "posix":  # Windows lets nobody else read a locked file
            _name_holder(place)
        yield
    finally:
        lock.release()


def lock_path(path: str | os.PathLike) -> Path:
    """The file of the lock on a path: FOLDER/.lock, or .NAME.lock beside a file."""
    path = Path(path)
    return path / LOCK_NAME if path.is_dir() else path.with_name(f".{path.name}{LOCK_NAME}")


def _name_holder(place):
    number = str(os.getpid())
    try:
        # Where a file system has no locks, filelock's own mark stands there already, and must stay.
        if _lines(place)[:1] != [number]:
            place.write_text(f"{number}\n{socket.gethostname()}\n", encoding="utf-8")
    except OSError as error:
        raise cannot_write(place, error) from error


def _holder(place):
    """Who holds a lock, as far as that can be read."""
    try:
        number, host, *_ = _lines(place)
    except (OSError, ValueError):
        return ""
    return f" ({printable(number)} on {printable(host)})"


def _lines(place):
    return place.read_text(encoding="utf-8", errors="replace").splitlines()
