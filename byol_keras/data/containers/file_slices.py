"""Encoded images that are stretches of bytes in larger files, as they are in archives."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ...errors import InputError
from ...utils.regular_file import open_regular
from ..encoded import ContainedImages

OPEN_FILES = 32  # at most, beside those that are just being read from
MAX_BYTES = 256 * 2**20  # of one image: an archive may claim any length, and each thread reads one as a whole


class SliceIndex(Protocol):
    """Where n images lie in one file, see `FileSlices`."""

    starts: np.ndarray
    lengths: np.ndarray


class FileSlices(ContainedImages):
    """N encoded images, each from `starts` on, `lengths` bytes long, in one of a few files.

    Args:
        files: F paths of files, which must not be changed from now on.
        file_of: (N,) int, the number of each image's file.
        starts, lengths: (N,) int64, bytes.

    Raises:
        OSError: where one of the files is not there.
    """

    def __init__(self, files: Sequence[str], file_of: np.ndarray, starts: np.ndarray, lengths: np.ndarray):
        super().__init__(files, file_of)
        self._starts, self._lengths = starts, lengths
        self._stamps = [file_stamp(path) for path in self.files]
        self._open, self._lock = OrderedDict(), threading.Lock()

    @classmethod
    def of(cls, files: Sequence[str], indices: Sequence["SliceIndex"]) -> "FileSlices":
        """The images of several files, by the index of each."""
        counts = [len(index.starts) for index in indices]
        return cls(
            files,
            np.repeat(np.arange(len(files), dtype=np.int32), counts),
            np.concatenate([index.starts for index in indices]),
            np.concatenate([index.lengths for index in indices]),
        )

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        return [self._read(index) for index in indices]

    def _read(self, index):
        start, length = int(self._starts[index]), int(self._lengths[index])
        if length > MAX_BYTES:
            raise InputError(f"{length:,} bytes, more than the {MAX_BYTES:,} that an image in an archive may have")
        file = self._file(self.file_of[index])
        pieces, missing = [], length
        while missing:
            piece = os.pread(file.number, missing, start + length - missing)
            if not piece:
                raise InputError(f"{file.path} has become shorter since it was opened: begin again")
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _file(self, number):
        with self._lock:
            if (file := self._open.get(number)) is None:
                file = self._open[number] = _OpenFile(self.files[number], self._stamps[number])
                if len(self._open) > OPEN_FILES:
                    self._open.popitem(last=False)
            self._open.move_to_end(number)
            return file


class _OpenFile:
    """A file that is closed as soon as nobody holds it: another thread may be reading from what is given up here."""

    def __init__(self, path, stamp):
        self.path, self._file = path, open_regular(path)
        self.number = self._file.fileno()
        require_same_file(path, stamp, os.fstat(self.number))

    def __del__(self):
        if hasattr(self, "_file"):
            self._file.close()


def file_stamp(path: str) -> tuple[int, int]:
    """Size and time of change, by which one sees that a file is another one now.

    Raises:
        OSError: where it is not there.
    """
    return _stamp(os.stat(path))


def require_same_file(path: str, stamp: tuple[int, int], status: os.stat_result) -> None:
    """Raises InputError where a file is not what it was at the time of its `file_stamp`."""
    if _stamp(status) != stamp:
        raise InputError(f"{path} has been changed since it was opened: begin again")


def _stamp(status):
    return status.st_size, status.st_mtime_ns
