"""Progress of a loop: a bar on a terminal, an occasional plain line in a log file."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

from .duration import duration

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


def progress(iterable: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yields from `iterable` while showing on stderr how far it is.

    Args:
        iterable: what to yield from.
        total: int, how many items are expected.
        label: text in front of the bar, such as "Reading images".
    """
    if sys.stderr.isatty():
        yield from tqdm(iterable, total=total, desc=label, leave=False)
        return
    # A carriage return in a log file makes one endless line, so print whole lines, and few of them.
    began = shown = time.monotonic()
    for count, item in enumerate(iterable, start=1):
        yield item
        if time.monotonic() - shown >= SECONDS_BETWEEN_LINES:
            shown = time.monotonic()
            left = duration((shown - began) / count * max(0, total - count))
            print(f"{label}: {count:,} of {total:,}, about {left} left", file=sys.stderr, flush=True)
