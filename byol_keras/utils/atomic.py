"""Files that are whole or not there, with one clear line where the disk does not take them."""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import InputError

# What a disk says of itself, whichever file is being written.
FULL = (errno.ENOSPC, errno.EDQUOT)
DISK = (*FULL, errno.EROFS, errno.EIO, errno.EFBIG)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike, make_folder: bool = True) -> Iterator[Path]:
    """Gives a temporary path next to `path`, with its suffixes; on success it is renamed to `path`, else removed.

    Works for files and folders. The rename replaces an existing file.

    Args:
        path: where the result shall stand.
        make_folder: whether its folder is made where it is not there, or that is an error.

    Yields:
        Path to write to.

    Raises:
        InputError: where the path cannot be written: no permission, a full disk, a file where a folder must be.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")
    if make_folder:
        _make_folder(path)
    elif not path.parent.is_dir():
        raise InputError(f"Cannot write {path}: its folder is gone.")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if _concerns(error, temporary):
            raise _cannot_write(path, error) from error
        raise
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def write_files(files: Mapping[Path, bytes]) -> None:
    """Writes several files that belong together: all are on the disk before the first gets its name.

    Args:
        files: contents by path; existing files are replaced.

    Raises:
        InputError: naming the file, if the disk is full, may not be written, or fails.
    """
    with contextlib.ExitStack() as parts:
        for path, content in files.items():
            part = parts.enter_context(atomic_path(path))
            try:
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())  # some file systems report a full disk only now
            except OSError as error:
                raise _cannot_write(path, error) from error


def check_writable(path: str | os.PathLike) -> None:
    """Checks that a file or a new folder can be written at `path`: to be asked before long work, not after it.

    Args:
        path: its folder need not be there; nothing is made.

    Raises:
        InputError: where it cannot, or a folder stands there.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file in it.")
    folder = _nearest_folder(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from error


def _nearest_folder(path):
    """The folder above `path` that is there already."""
    folder = path.absolute().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"Cannot write {path}: {folder} is not a folder. Choose another path.")
    return folder


def _make_folder(path):
    _nearest_folder(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _concerns(error, temporary):
    """Whether an error while `temporary` was written is of its disk or its path, and not of something else."""
    if error.filename is not None:
        return Path(os.fsdecode(error.filename)).is_relative_to(temporary)
    # HDF5 raises errors without a number, which quote the system's words.
    return error.errno in DISK or os.strerror(errno.ENOSPC) in str(error)


def _cannot_write(path, error):
    full = error.errno in FULL or os.strerror(errno.ENOSPC) in str(error)
    reason = os.strerror(errno.ENOSPC) if full else error.strerror or error
    remedy = "Free some space, or choose" if full else "Choose"
    return InputError(f"Cannot write {path}: {reason}. Nothing was left there. {remedy} another path.")
