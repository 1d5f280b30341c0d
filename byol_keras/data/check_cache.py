"""What the check of a folder found out about its files, so that only those that are new or have changed are decoded."""

import os
import time
from collections.abc import Sequence

import numpy as np
import PIL

from .._version import __version__
from ..utils.printable import printable
from ..utils.texts import Texts
from .cache_file import CacheFile, is_lasting
from .decode import pixel_limit
from .encoded import ContainedImages

FORMAT = 3

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
        ("channels", "<u2"),
        ("reason", "<i4"),
    ]
)
VALID = -1  # in the place of a reason

# Between two writings of the cache while the files are checked, and at least so many times as long as one takes.
SECONDS, SHARE = 30.0, 20


class CheckCache:
    """The file in which the check of a source is saved.

    See `CacheFile` for what becomes of one that cannot be used.

    Args:
        folder: path of the folder or file that was checked, which the names belong to.
        read_as: what else decides what is found out; another cache for each.
    """

    def __init__(self, folder: str | os.PathLike, read_as: str = ""):
        made_by = f"{FORMAT}, byol_keras {__version__}, Pillow {PIL.__version__}, {pixel_limit()} pixels"
        root = os.path.abspath(folder)
        self.file = CacheFile(root, "checks", made_by, f"every image in {printable(root)} is checked again", read_as)
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
            "names": np.frombuffer(names.buffer, np.uint8),
            "name_ends": names.ends,
            "stamps": stamps,
            "found": found,
            "reasons": np.frombuffer(reasons.buffer, np.uint8),
            "reason_ends": reasons.ends,
        }
        self.file.write(arrays)
        self._due = time.monotonic() + max(SECONDS, SHARE * (time.monotonic() - started))

    def _load(self):
        """Names, stamps, what was found, and reasons; of no file where there is no cache to go by."""
        if (arrays := self.file.read()) is None:
            return Texts.of(()), np.zeros(0, STAMP), unchecked(0), ()
        names, reasons = (_texts(arrays[f"{of}s"], arrays[f"{of}_ends"]) for of in ("name", "reason"))
        return names, arrays["stamps"], arrays["found"], tuple(reasons)


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
        lasting[index] = is_lasting(status)
    return stamps, lasting


def _texts(buffer, ends):
    return Texts(buffer.tobytes(), np.append(0, ends)[:-1], ends)
