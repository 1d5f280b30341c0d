"""The files below a folder, by the ends of their names."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from ..errors import InputError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
# What cameras and browsers write as well, and is not read: it is counted, so that nobody takes it for trained on.
UNREAD_SUFFIXES = (".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw")


def has_images(root: str | os.PathLike) -> bool:
    """Whether there is a JPEG or the like for `find_images`, which ends with the first.

    Raises:
        InputError: where `root` itself cannot be read.
    """
    return next(file_names(root), None) is not None


def has_files(root: str | os.PathLike, suffixes: tuple[str, ...]) -> bool:
    """Whether there is a file below `root` with one of these suffixes, which ends with the first.

    Raises:
        InputError: where `root` itself cannot be read.
    """
    return any(name.lower().endswith(suffixes) for name in file_names(root, suffixes))


def file_names(
    root: str | os.PathLike,
    suffixes: tuple[str, ...] = SUFFIXES,
    others: Sequence[str] = (),
    passed_over: Counter | None = None,
) -> Iterator[str]:
    """The paths that `find_images` lists, one after the other; or those with other suffixes.

    Args:
        root: path.
        suffixes: of the files that are listed.
        others: of those that are counted.
        passed_over: counts them, by their suffix.
    """
    # Not by recursion: folders may lie a thousand deep. A folder's entries are sorted, folders with the slash that
    # follows them on every path, so that all paths come in their order.
    waiting = [("", (), [""])]
    while waiting:
        prefix, above, names = waiting[-1]
        if not names:
            waiting.pop()
            continue
        path = prefix + names.pop()
        if path and not path.endswith("/"):
            yield path
            continue
        try:
            folder = os.path.join(os.fspath(root), path)
            status = os.stat(folder)
            # A link to a folder that we are in would go on for ever.
            here = (status.st_dev, status.st_ino)
            if here in above:
                continue
            found = []
            with os.scandir(folder) as entries:
                for entry in entries:
                    if (name := _name_of(entry, suffixes)) is not None:
                        found.append(name)
                    elif entry.name[0] != "." and (end := os.path.splitext(entry.name)[1].lower()) in others:
                        passed_over[end] += 1
        except OSError as error:
            if not path:
                raise InputError(f"Cannot read the folder {root}: {error.strerror}") from error
            yield path
            continue
        waiting.append((path, (*above, here), sorted(found, reverse=True)))


def _name_of(entry, suffixes):
    """The name of a folder, with a slash after it, or of what may be such a file; None for all else."""
    if entry.name.startswith("."):
        return None
    if _is_folder(entry):
        return f"{entry.name}/"
    return entry.name if entry.name.lower().endswith(suffixes) or _may_be_a_folder(entry) else None


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # links in a circle, or into a folder that may not be entered
        return False


def _may_be_a_folder(entry):
    """Whether this is a link, named like a folder, that leads nowhere to be seen: perhaps to a drive that is gone."""
    return entry.is_symlink() and "." not in entry.name and not os.path.exists(entry.path)
