"""Memory: how much there is, what work cannot do without, and a budget that threads share."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

from ..errors import InputError

_CGROUPS = Path("/sys/fs/cgroup")
_GROUPS_OF_THIS_PROCESS = Path("/proc/self/cgroup")
# The names in version 2 and in version 1: the limit, what is used, and the part of this that is only cached files.
_ACCOUNTS = (
    ("memory.max", "memory.current", "file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"),
)


def available_memory() -> int:
    """The bytes that this process can still get at most: of the machine, and of the container or job that it is in.

    Swap and cached files are counted as free, so it is rather too much than too little.
    """
    free = [psutil.virtual_memory().available]
    for folder in _cgroup_folders():
        for limit_name, used_name, cached_name in _ACCOUNTS:
            with contextlib.suppress(OSError, ValueError, KeyError):  # no such file, "max", no such line
                limit, used = (int((folder / name).read_text()) for name in (limit_name, used_name))
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                free.append(max(0, limit - used + int(stat[cached_name])))
    return min(free) + psutil.swap_memory().free


def amount(count: int) -> str:
    """Bytes for people: "1.25 GiB", to three digits."""
    return f"{count / 2**30:,.3g} GiB" if count < 1000 * 2**30 else f"{count / 2**30:,.0f} GiB"


def require_memory(needed: int, what: str, remedy: str) -> None:
    """Refuses, before it begins, work that cannot fit.

    Args:
        needed: bytes that the work cannot do without: a lower bound, so that nothing is refused that would fit.
        what: needs them, the beginning of a sentence.
        remedy: what to do, the end of one, with the arguments' values.

    Raises:
        InputError: when there is less.
    """
    free = available_memory()
    if needed > free:
        raise InputError(f"{what} need at least {amount(needed)} of memory, and {amount(free)} are free: {remedy}")


class MemoryBudget:
    """Bytes that threads take and give back, waiting while the others have too many.

    Who asks for more than all of it gets it when no other has any, so what is out at once is at most the larger of
    `total` and the largest single demand.

    Args:
        total: bytes.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._taken = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, count: int) -> Iterator[None]:
        """Holds `count` bytes of the budget meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + count <= self.total)
            self._taken += count
        try:
            yield
        finally:
            with self._changed:
                self._taken -= count
                self._changed.notify_all()


def _cgroup_folders():
    """The folders of the groups that limit this process, and of those above them."""
    folders = {_CGROUPS, _CGROUPS / "memory"}
    with contextlib.suppress(OSError):  # no Linux
        for line in _GROUPS_OF_THIS_PROCESS.read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            top = _CGROUPS / "memory" if "memory" in kinds.split(",") else _CGROUPS
            for place in (Path(path), *Path(path).parents):
                folders.add(top / str(place).strip("/"))
    return folders
