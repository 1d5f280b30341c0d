"""What the check of a folder found out about its files, so that only those that are new or have changed are decoded."""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL

from .._version import __version__
from ..errors import InputError
from ..utils.atomic import atomic_path
from ..utils.printable import printable
from ..utils.progress import print_beside
from ..utils.texts import Texts
from .decode import pixel_limit
from .encoded import ContainedImages

FORMAT = 2
DIGEST_BYTES = 16  # the end of the file: a digest of all before it

# By these a file is known again. A time of change that somebody set back does not hide a change: that sets the
# second, which nobody can set.
STAMP = np.dtype([("size", "<i8"), ("changed", "<i8"), ("status_changed", "<i8")])
# What is known of a file: nothing unless `checked`; `reason` is the number of the text that says why it cannot be
# decoded, the rest is as in `decode.Check`.
FOUND = np.dtype(
    [
        ("checked", "?"),
        ("jpeg", "?"),
        ("low_range", "?"),
        ("gray", "?"),
        ("orientation", "u1"),
        ("size", "<i4", 2),
        ("reason", "<i4"),
    ]
)
VALID = -1  # in the place of a reason

# Disks tell times apart by this much at best; a file that changed so shortly before may change again unseen. ns.
GRANULARITY = 2 * 10**9
# Between two writings of the cache while the files are checked, and at least so many times as long as one takes.
SECONDS, SHARE = 30.0, 20


class CheckCache:
    """The file in which the check of a source is saved, below $XDG_CACHE_HOME/byol_keras or ~/.cache/byol_keras.

    It is no more than a quicker way to the same: one that is damaged, of another folder or made by another version is
    said and made anew, and where none can be written that is said once.

    Args:
        folder: path of the folder or file that was checked, which the names belong to.
    """

    _said = False  # of this process, that no cache can be written

    def __init__(self, folder: str | os.PathLike):
        self.root = os.path.abspath(folder)
        self.path = cache_folder() / f"{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:32]}.check"
        self._due = time.monotonic() + SECONDS

    def known(self, names: Texts, stamps: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """What is known of files as they are now.

        Args:
            names: N texts, below the folder.
            stamps: (N,) STAMP, see `file_stamps`.

        Returns:
            (N,) FOUND, and the texts of reasons.
        """
        found, (known, known_stamps, known_found, reasons) = unchecked(len(names)), self._load()
        if not len(known):
            return found, ()
        places = known.places(names)
        there = np.flatnonzero(places >= 0)
        same = there[stamps[there] == known_stamps[places[there]]]
        found[same] = known_found[places[same]]
        return found, reasons

    def is_due(self) -> bool:
        """Whether it is time to save what has been found so far."""
        return time.monotonic() >= self._due

    def save(self, names: Texts, stamps: np.ndarray, found: np.ndarray, reasons: tuple[str, ...]) -> None:
        """Writes what was found, over what was there; says so, once, where that cannot be done.

        Args:
            names, stamps, found, reasons: as in `known`.
        """
        started = time.monotonic()
        names, reasons = names.compact(), Texts.of(reasons)
        arrays = {
            "about": np.frombuffer(self._about(), np.uint8),
            "names": np.frombuffer(names.buffer, np.uint8),
            "name_ends": names.ends,
            "stamps": stamps,
            "found": found,
            "reasons": np.frombuffer(reasons.buffer, np.uint8),
            "reason_ends": reasons.ends,
        }
        try:
            with atomic_path(self.path) as part, open(part, "w+b") as file:
                np.savez(file, **arrays)
                file.write(_digest(file, file.tell()))
        except InputError as error:
            if not CheckCache._said:
                print_beside(f"What is found out about images is not saved, and found out again next time: {error}")
            CheckCache._said = True
        self._due = time.monotonic() + max(SECONDS, SHARE * (time.monotonic() - started))

    def _about(self):
        made_by = f"{FORMAT}, byol_keras {__version__}, Pillow {PIL.__version__}, {pixel_limit()} pixels\n"
        return made_by.encode() + os.fsencode(self.root)

    def _load(self):
        """Names, stamps, what was found, and reasons; of no file where there is no cache to go by."""
        try:
            with open(self.path, "rb") as file:
                length = os.fstat(file.fileno()).st_size - DIGEST_BYTES
                # Nothing in it is looked at unless all of it is as it was written.
                if length < 0 or _digest(file, length) != file.read():
                    return self._nothing("is damaged")
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    if arrays["about"].tobytes() != self._about():
                        return self._nothing("is of another folder, or was made by another version")
                    names, reasons = (_texts(arrays[f"{of}s"], arrays[f"{of}_ends"]) for of in ("name", "reason"))
                    return names, arrays["stamps"], arrays["found"], tuple(reasons)
        except FileNotFoundError:
            return self._nothing()
        except OSError as error:
            return self._nothing(f"cannot be read ({error.strerror})")

    def _nothing(self, reason=""):
        if reason:
            print_beside(f"{self.path} {reason}: every image in {printable(self.root)} is checked again.")
        return Texts.of(()), np.zeros(0, STAMP), unchecked(0), ()


def cache_folder() -> Path:
    """The folder with the caches of all checks; it need not be there."""
    above = os.environ.get("XDG_CACHE_HOME", "")
    # A relative one is to be ignored, by the standard of these folders.
    above = Path(above) if os.path.isabs(above) else Path(os.path.expanduser("~"), ".cache")
    return above / "byol_keras" / "checks"


def unchecked(count: int) -> np.ndarray:
    """(N,) FOUND of files of which nothing is known."""
    return np.zeros(count, FOUND)


def file_stamps(paths: Sequence[str] | ContainedImages) -> tuple[np.ndarray, np.ndarray]:
    """What files are known again by, to be asked before they are read.

    Args:
        paths: N absolute paths; or N images in a few files, each of which goes by all of its file.

    Returns:
        (N,) STAMP, zeros where there is no file; and (N,) bool, whether a file that is changed from now on will have
        another one.
    """
    if isinstance(paths, ContainedImages):
        stamps, lasting = file_stamps(paths.files)
        return stamps[paths.file_of], lasting[paths.file_of]
    stamps, lasting = np.zeros(len(paths), STAMP), np.zeros(len(paths), bool)
    for index, path in enumerate(paths):
        try:
            status = os.stat(path)
        except OSError:
            continue
        stamps[index] = status.st_size, status.st_mtime_ns, status.st_ctime_ns
        lasting[index] = status.st_mtime_ns < time.time_ns() - GRANULARITY
    return stamps, lasting


def _texts(buffer, ends):
    return Texts(buffer.tobytes(), np.append(0, ends)[:-1], ends)


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
