"""Files written whole or not at all, with a clear error where the disk does not take them."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .atomic import atomic_path


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write several files that belong together: all are on the disk before the first gets its name.

    files: contents by path; existing files are replaced.

    Raises InputError, naming the file, if the disk is full, may not be written, or fails.
    """
    with contextlib.ExitStack() as parts:
        for path, content in files.items():
            try:
                part = parts.enter_context(atomic_path(path))
                with part.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())  # some file systems report a full disk only now
            except OSError as error:
                raise InputError(
                    f"Cannot write {path}: {error.strerror or error}. Nothing was left there. Free some space, or "
                    f"choose another folder. Received: {len(content):,} bytes to write"
                ) from error
