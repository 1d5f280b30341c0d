"""Files that are whole or not there."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from ..errors import InputError


@contextlib.contextmanager
def atomic_path(path):
    """Gives a temporary path next to `path`, with its suffixes; on success it is renamed to `path`, else removed.

    Works for files and folders. The rename replaces an existing file.

    Args:
        path: where the result shall stand.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.part.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def check_writable(path):
    """Raises InputError where no file at `path` can be written: to be asked before long work, not after it.

    Creates nothing, not even the folders that are missing.

    Args:
        path: of a file, whose folders need not exist.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file in it.")
    folder = path.parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: {folder} is not a folder. Choose another path.")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Choose another path.") from error
