"""A file of arrays that is saved only because making them takes long."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..utils.atomic import atomic_path
from ..utils.progress import print_beside

DIGEST_BYTES = 16  # the end of the file: a digest of all before it

# Disks tell times apart by this much at best; a file that changed so shortly before may change again unseen. ns.
GRANULARITY = 2 * 10**9


class CacheFile:
    """Arrays below $XDG_CACHE_HOME/byol_keras or ~/.cache/byol_keras.

    It is no more than a quicker way to the same: one that is damaged, about something else or made by another version
    is said, and where none can be written that is said once.

    Args:
        root: absolute path of the folder or file that the arrays are about.
        kind: what the folder of its like is called, such as "checks".
        made_by: the versions of all that decides what the arrays are.
        lost: what is done, for people, where they cannot be had, such as "a.tar is read again".
        read_as: what else decides what they are; another file for each.
    """

    _said = False  # of this process, that no cache can be written

    def __init__(self, root: str, kind: str, made_by: str, lost: str, read_as: str = ""):
        self._lost = lost
        key = os.fsencode(root) + (b"\0" + read_as.encode() if read_as else b"")
        name = hashlib.sha256(key).hexdigest()[:32]
        self.path = cache_folder(kind) / name
        self._about = np.frombuffer(f"{made_by}\n{read_as}\n".encode() + os.fsencode(root), np.uint8)

    def write(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Writes arrays, over what was there; says so, once, where that cannot be done."""
        try:
            with atomic_path(self.path) as part, open(part, "w+b") as file:
                np.savez(file, about=self._about, **arrays)
                file.write(_digest(file, file.tell()))
        except InputError as error:
            if not CacheFile._said:
                print_beside(f"What is found out about images is not saved, and found out again next time: {error}")
            CacheFile._said = True

    def read(self) -> dict[str, np.ndarray] | None:
        """The arrays, or None where there are none to go by."""
        try:
            with open(self.path, "rb") as file:
                length = os.fstat(file.fileno()).st_size - DIGEST_BYTES
                # Nothing in it is looked at unless all of it is as it was written.
                if length < 0 or _digest(file, length) != file.read():
                    return self._nothing("is damaged")
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    if arrays["about"].tobytes() != self._about.tobytes():
                        return self._nothing("is of another folder, or was made by another version")
                    return dict(arrays)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._nothing(f"cannot be read ({error.strerror})")

    def _nothing(self, reason):
        print_beside(f"{self.path} {reason}: {self._lost}.")


def cache_folder(kind: str) -> Path:
    """The folder with all caches of a kind; it need not be there."""
    above = os.environ.get("XDG_CACHE_HOME", "")
    # A relative one is to be ignored, by the standard of these folders.
    above = Path(above) if os.path.isabs(above) else Path(os.path.expanduser("~"), ".cache")
    return above / "byol_keras" / kind


def is_lasting(status: os.stat_result) -> bool:
    """Whether a file that is changed from now on will have another time of change."""
    return status.st_mtime_ns < time.time_ns() - GRANULARITY


def _digest(file, length):
    """Of the first bytes of a file, which is read up to there."""
    file.seek(0)
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    while length:
        piece = file.read(min(length, 2**20))
        if not piece:
            break
        digest.update(piece)
        length -= len(piece)
    return digest.digest()
