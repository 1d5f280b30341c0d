"""Progress of a loop: a bar on a terminal, an occasional plain line in a log file."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, TypeAlias, TypeVar

from tqdm import tqdm

from .duration import duration

T = TypeVar("T")
# What shows how far a loop is: `progress`, or a part of a `Progress`.
Shown: TypeAlias = Callable[[Iterable[T], int, str], Iterator[T]]

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """How far some work is and how long the rest will take, on stderr; a context, at whose end the bar goes away.

    Args:
        total: items there are.
        label: text in front of the bar, such as "Reading images".

    Attributes:
        done: items so far, a share of one included.

    Example:
        with Progress(len(names), "Indexing") as bar:
            for place in range(0, len(names), 1000):
                load(names[place : place + 1000], bar.up_to(place + 500))
                embed(names[place : place + 1000], bar.up_to(place + 1000))
    """

    def __init__(self, total: int, label: str):
        self.total, self.label, self.done = total, label, 0.0
        self._bar = None
        if total and sys.stderr.isatty():
            # By the pace of all that is done, as in the lines: parts go at paces of their own.
            self._bar = tqdm(total=total, desc=label, leave=False, smoothing=0)
        self._began = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.close()

    def to(self, done: float) -> None:
        """Shows that so many items are done."""
        self.done = done
        if self._bar is not None:
            self._bar.update(int(done) - self._bar.n)
        # A carriage return in a log file makes one endless line, so print whole lines, and few of them.
        elif done > 0 and time.monotonic() - self._shown >= SECONDS_BETWEEN_LINES:
            self._shown = time.monotonic()
            left = duration((self._shown - self._began) / done * max(0, self.total - done))
            print(f"{self.label}: {int(done):,} of {self.total:,}, about {left} left", file=sys.stderr, flush=True)

    def up_to(self, end: float) -> Shown:
        """Stands in for `progress` in a part of the work: its loop takes this from where it is to `end` items."""

        def shown(iterable, total, label=""):
            begin = self.done
            for count, item in enumerate(iterable, start=1):
                yield item
                self.to(begin + (end - begin) * min(count, total) / max(1, total))

        return shown


def progress(iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yields from `iterable` while showing on stderr how far it is.

    Args:
        iterable: what to yield from.
        total: int, how many items are expected.
        label: text in front of the bar, such as "Reading images".
    """
    with Progress(total, label) as bar:
        yield from bar.up_to(total)(iterable, total, label)


def print_beside(line: str) -> None:
    """Prints a line on stderr, above a bar that is on the terminal."""
    tqdm.write(line, file=sys.stderr)


def print_now(line: str) -> None:
    """Prints a line on stdout, which a log file has at once."""
    print(line, flush=True)
