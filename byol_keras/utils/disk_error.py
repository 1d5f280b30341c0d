"""What a disk refuses, as one line, whichever library wrote."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError

_OTHER_PATH = "choose another path"
# What a disk says of itself, whichever file is being written, and what to do about it.
DISK = {
    errno.ENOSPC: f"Free some space, or {_OTHER_PATH}",
    errno.EDQUOT: f"Delete some of your files, or {_OTHER_PATH}",
    errno.EFBIG: "Raise the limit of a file's size (ulimit -f), or choose a path on another file system",
    errno.EROFS: "Choose another path",
    errno.EIO: f"Check the disk, or {_OTHER_PATH}",
}
# Of zipfile, in which Keras saves models, where a board has lost the time.
_TOO_EARLY = "ZIP does not support timestamps before 1980"
# What is said of a path; an error that says it of another one is not about ours.
PATH = {errno.EACCES: f"Get the permission, or {_OTHER_PATH}", errno.ENOENT: "Choose another path"}


@contextlib.contextmanager
def disk_errors(path: str | os.PathLike) -> Iterator[None]:
    """Inside the `with`, what the disk refuses is the one line of `cannot_write`; other errors pass.

    Args:
        path: the file or folder that is written to.

    Raises:
        InputError: for an error of the disk.
    """
    before = sys.exception()
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        refused = disk_error(Path(path), error, Path(path), before)
        if refused is None:
            raise
        raise refused from error


def disk_error(path: Path, error: BaseException, part: Path, before: BaseException | None = None) -> InputError | None:
    """An error that arose while a file was written, as one line, where it is one of the disk or of the path.

    Python's errors have a number; those of HDF5, of a zip archive that can no longer be closed, and of TensorFlow quote
    the system's words, or have been caused by one that does.

    Args:
        path: the file.
        error: what was raised.
        part: the name under which the file was being written.
        before: the error that was being handled when the writing began, which says nothing of the file.

    Returns:
        InputError, or None for an error of something else.
    """
    for cause in _causes(error, before):
        if _TOO_EARLY in str(cause):
            return InputError(
                f"Cannot write {path}: the system's clock is before 1980, which archives cannot say. Set it."
            )
        number = _number(cause, part)
        if number == errno.ENOENT and path.parent.is_dir():
            return None  # its folder is there: it was never written, a bug
        if number is not None:
            return cannot_write(path, OSError(number, os.strerror(number)))
    return None


def cannot_write(path: Path, error: OSError) -> InputError:
    """The one line for an error of the system about a file to be written: what, where, and what to do."""
    if error.errno == errno.ENOENT and not path.parent.is_dir():
        return InputError(
            f"Cannot write {path}: its folder is gone. Put {path.parent} back if it was moved, and begin again."
        )
    remedy = {**DISK, **PATH}.get(error.errno, "Choose another path")
    before = "What was there before is unchanged" if os.path.lexists(path) else "Nothing was left there"
    return InputError(f"Cannot write {path}: {error.strerror or error}. {before}. {remedy}.")


def _causes(error, before) -> Iterator[BaseException]:
    while error is not None and error is not before:
        yield error
        error = error.__cause__ or error.__context__


def _number(error, part):
    """The system's number of an error, where it is of the disk or about `part`."""
    if isinstance(error, OSError) and error.filename is not None:
        return error.errno if Path(os.fsdecode(error.filename)).is_relative_to(part) else None
    if isinstance(error, OSError) and error.errno in DISK:
        return error.errno
    text = str(error)
    numbers = (*DISK, *PATH) if str(part) in text else DISK
    return next((number for number in numbers if os.strerror(number) in text), None)
