"""The names that files have while they are written, and what is left of them where a process was killed."""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import socket
from pathlib import Path

# A file's name may have 255 bytes, the beginning of a part's name included.
NAME_BYTES = 200
PART = re.compile(r"\.([0-9a-f]{8})-(\d+)-\d+\.part\.")

_numbers = itertools.count()
# Of this process, under way: its number alone does not tell them from those of a process that had the same number.
_open_parts: set[Path] = set()


@contextlib.contextmanager
def open_part(path: Path):
    """A name beside `path`, with its suffixes, that no other process or thread uses; nothing is made.

    In the name are a digest of the host's name and the number of this process, by which `remove_parts` knows whether
    somebody still writes there. Whatever stands under the name at the end is removed.

    Args:
        path: the final name.

    Yields:
        Path.
    """
    name = path.name
    while len(os.fsencode(name)) > NAME_BYTES:
        name = name[1:]
    part = path.with_name(f".{_host()}-{os.getpid()}-{next(_numbers)}.part.{name}")
    _open_parts.add(part.absolute())
    try:
        yield part
    finally:
        _remove(part)
        _open_parts.discard(part.absolute())


def remove_parts(folder: str | os.PathLike) -> list[Path]:
    """Removes what killed processes of this host left half written in a folder, at any depth.

    What another host writes, or a process that runs, is left alone, and so are all other files.

    Args:
        folder: it need not be there.

    Returns:
        The paths that were removed.
    """
    removed = []
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            part = Path(place, name)
            if _is_left_over(part):
                _remove(part)
                removed += [] if os.path.lexists(part) else [part]
        folders[:] = [name for name in folders if not PART.match(name)]
    return removed


def _host():
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _is_left_over(part):
    found = PART.match(part.name)
    if found is None or found[1] != _host() or part.absolute() in _open_parts:
        return False
    # In a container that is started again a process often has the number that the killed one had.
    return int(found[2]) == os.getpid() or not _runs(int(found[2]))


def _runs(number):
    """Whether a process of this number runs; on Windows, where asking would end it, all are taken to."""
    if os.name != "posix":
        return True
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def _remove(part):
    # On a disk that has gone or became read-only it stays, which no reader minds; what was to be said has been said.
    with contextlib.suppress(OSError):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)
