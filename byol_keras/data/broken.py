"""What is said of images that cannot be read, and how many of a source they may be."""

import os
from collections.abc import Sequence

from ..errors import InputError
from ..utils.printable import printable
from .images import ImageSource

MAX_BROKEN_SHARE = 0.1


def refuse_mostly_broken(
    where: str | os.PathLike, broken: Sequence[tuple[str, str]], total: int, what: str = "images cannot be decoded"
) -> None:
    """Raises InputError where too much of a source is broken, see `check_all`.

    Args:
        where, broken, total: the source, (name, reason) of each broken file, and the number of all.
        what: is the matter with the broken ones.
    """
    if len(broken) == total or (len(broken) > 1 and len(broken) > MAX_BROKEN_SHARE * total):
        raise InputError(f"{where}: {len(broken):,} of {total:,} {what}: {list_broken(broken)}. Repair or remove them.")


def report_broken(source: ImageSource) -> str:
    """One line on the images that were excluded, the first five by name; "" when there are none."""
    if not source.broken:
        return ""
    total = len(source) + len(source.broken)
    what = "images cannot be decoded" if source.sample_rate is None else "recordings cannot be read"
    return f"{len(source.broken):,} of {total:,} {what} and are excluded: {list_broken(source.broken)}"


def list_broken(broken: Sequence[tuple[str, str]], limit: int = 5) -> str:
    """The first of the broken images, with the reason, on one line."""
    text = "; ".join(f"{printable(name)} ({reason})" for name, reason in broken[:limit])
    return f"{text}; and {len(broken) - limit:,} more" if len(broken) > limit else text


def list_names(names: Sequence[str], limit: int = 5) -> str:
    """The first of several names on one line, and how many more there are."""
    text = ", ".join(map(printable, names[:limit]))
    return f"{text} and {len(names) - limit:,} more" if len(names) > limit else text
