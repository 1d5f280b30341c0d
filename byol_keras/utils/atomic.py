"""Files that are whole and on the disk or not there, with one clear line where the disk does not take them."""

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import InputError
from .disk_error import cannot_write, disk_error
from .disk_sync import sync_content, sync_entries
from .part_file import open_part


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike, make_folder: bool = True) -> Iterator[Path]:
    """Gives a temporary path next to `path`, with its suffixes; on success it is renamed to `path`, else removed.

    Works for files and folders. The rename replaces an existing file. What was written is on the disk before the
    rename and its name after it, so that neither a killed process nor a power cut leaves half a file. Of a killed
    process the temporary file stays: `part_file.remove_parts` finds it.

    Args:
        path: where the result shall stand.
        make_folder: whether its folder is made. Without, as for what is written into a run under way, a folder that
            has gone is an error.

    Yields:
        Path to write to.

    Raises:
        InputError: where the path cannot be written: no permission, a full disk, a file where a folder must be, a
            folder that is gone, whichever library wrote and whatever it raised.
    """
    path = Path(path)
    if make_folder:
        make_parent(path)
    elif not path.parent.is_dir():
        raise cannot_write(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
    before = sys.exception()
    with open_part(path) as part:
        try:
            yield part
            sync_content(part)
            os.replace(part, path)
        except InputError:
            raise
        except Exception as error:
            refused = disk_error(path, error, part, before)
            if refused is None:
                raise
            raise refused from error
        try:
            sync_entries(path.parent)
        except OSError as error:
            raise InputError(f"{path} may not outlast a power cut: {error.strerror}. Check the disk.") from error


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
                part.write_bytes(content)
                sync_content(part)
            except OSError as error:
                raise cannot_write(path, error) from error


def remove_file(path: str | os.PathLike) -> None:
    """Removes a file where there is one.

    Raises:
        InputError: where it is there and cannot be removed.
    """
    path = Path(path)
    try:
        if os.path.lexists(path):
            path.unlink()
            sync_entries(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


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
    folder = nearest_folder(path)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error


def make_parent(path: str | os.PathLike) -> None:
    """Makes the folder of a file to be, and those above it, where they are not there yet.

    Args:
        path: of the file.

    Raises:
        InputError: where that cannot be.
    """
    path = Path(path)
    nearest, folder = nearest_folder(path), path.absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while folder != nearest:
            folder = folder.parent
            sync_entries(folder)
    except OSError as error:
        raise cannot_write(path, error) from error


def nearest_folder(path: str | os.PathLike) -> Path:
    """The folder above `path` that is there already.

    Raises:
        InputError: where what is there is no folder.
    """
    path = Path(path)
    try:
        folder = path.absolute().parent
    except FileNotFoundError as error:
        raise InputError(f"Cannot write {path}: the working directory is gone. Change to another.") from error
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"Cannot write {path}: {folder} is not a folder. Choose another path.")
    return folder
