"""Many texts in one buffer: as strings of Python's own, names of 20 letters take four times as much memory."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

import numpy as np

# Every text that Python can have, names of files that are not UTF-8 among them.
ERRORS = "surrogatepass"
_AT_ONCE = 4096  # texts whose places are numbers of Python's own at one time


class Texts(Sequence):
    """A fixed sequence of texts, each made when it is asked for.

    One text is had by its number; a slice, a mask or an array of numbers gives another `Texts`. It is equal to every
    sequence of the same texts.

    Args:
        buffer: the texts in UTF-8, in any order; see ERRORS.
        starts, ends: (N,) int64, where in it each text begins and ends.
        prefix: what all texts begin with, not in the buffer.

    Example:
        names = Texts.of(["a/0.jpg", "a/1.jpg", "b/2.jpg"])
        names[-1], list(names[[2, 0]]), names.prefixed("photos/")[0]
    """

    def __init__(self, buffer: bytes, starts: np.ndarray, ends: np.ndarray, prefix: str = ""):
        self.buffer, self.starts, self.ends, self.prefix = buffer, starts, ends, prefix

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Texts":
        """The same texts in a buffer of their own; `Texts` as they are."""
        return texts if isinstance(texts, Texts) else cls._joined(text.encode(errors=ERRORS) for text in texts)

    @classmethod
    def _joined(cls, pieces: Iterable[bytes], prefix: str = "") -> Self:
        buffer, ends = bytearray(), array("q")
        for piece in pieces:
            buffer += piece
            ends.append(len(buffer))
        ends = np.array(ends, np.int64)
        return cls(bytes(buffer), np.append(0, ends)[:-1], ends, prefix)

    def prefixed(self, prefix: str) -> "Texts":
        """The same texts, each with `prefix` before it."""
        return Texts(self.buffer, self.starts, self.ends, prefix + self.prefix)

    def compact(self) -> "Texts":
        """The same texts, in their order and one after the other in the buffer."""
        return Texts._joined(self._pieces(), self.prefix)

    def places(self, texts: Sequence[str]) -> np.ndarray:
        """Where among these each of other texts is, the last place of several, -1 where it is none: (M,) int64."""
        if self == texts:
            return np.arange(len(self))
        place = {text: number for number, text in enumerate(self)}
        return np.fromiter((place.get(text, -1) for text in texts), np.int64, len(texts))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index):
        starts, ends = self.starts[index], self.ends[index]
        if np.ndim(starts) == 0:
            return self.prefix + self.buffer[starts:ends].decode(errors=ERRORS)
        some = Texts(self.buffer, starts, ends, self.prefix)
        # A few of a million do not hold on to the others.
        return some.compact() if 2 * int((ends - starts).sum()) < len(self.buffer) else some

    def __iter__(self) -> Iterator[str]:
        prefix = self.prefix
        for piece in self._pieces():
            yield prefix + piece.decode(errors=ERRORS)

    def __eq__(self, other) -> bool:
        if isinstance(other, str) or not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))  # that of the tuple that it equals

    def __repr__(self) -> str:
        return f"Texts({list(self[:3])}{', ...' if len(self) > 3 else ''}, {len(self)} of them)"

    def _pieces(self):
        buffer = self.buffer
        for first in range(0, len(self), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            for start, end in zip(self.starts[some].tolist(), self.ends[some].tolist(), strict=True):
                yield buffer[start:end]
