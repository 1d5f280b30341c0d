"""A folder of images, or single image files, as a source."""

import os
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.progress import Shown, progress
from ..utils.texts import Texts
from .check_cache import CheckCache
from .images import ImageSource
from .validate import MEMORY_BUDGET, check_all, check_each

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")


def from_folder(folder: str | os.PathLike, memory_budget: int = MEMORY_BUDGET) -> ImageSource:
    """The images below a folder, at any depth, sorted by path.

    An image's label is the first folder on its path: `cat/2024/a.jpg` is a `cat`. With any image directly in the
    folder, there are no labels. Hidden files and folders are skipped; links are followed. What cannot be read, a file
    or a folder, is excluded and named in `broken`.

    Args:
        folder: path.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource with `paths`, and with `images`, RGB, when all have one size and fit.

    Raises:
        InputError: when the folder is missing, holds no image, or holds too many that cannot be decoded (`check_all`
            has the rule).
    """
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {folder}")
    names = require_images(root, folder)
    paths = names.prefixed(os.path.join(root, ""))
    checked = check_all(paths, names, folder, memory_budget, CheckCache(root))

    # A class whose images are all broken keeps its number, so that the other labels do not depend on it. But for one
    # whose name is not UTF-8: no file in it can be used, and its name could be written nowhere.
    class_names = tuple(sorted(name for name in {*map(_first_folder, names)} if name is not None and _is_unicode(name)))
    number = {name: i for i, name in enumerate(class_names)}
    labels = np.fromiter((number.get(_first_folder(name), -1) for name in names), np.int64, len(names))
    return checked.source(names, paths=paths, labels=labels, class_names=class_names)


def from_files(
    paths: Sequence[str],
    names: Sequence[str],
    where: str,
    memory_budget: int = MEMORY_BUDGET,
    shown: Shown = progress,
) -> tuple[ImageSource | None, tuple[tuple[str, str], ...]]:
    """The images in some files, without labels; those that cannot be decoded are excluded.

    Args:
        paths: N absolute paths.
        names: N texts.
        where: text that names them all while they are checked.
        memory_budget: int, bytes of pixels to hold at most.
        shown: shows how far it is, as for `check_each`.

    Returns:
        ImageSource, or None where not one can be decoded, and a tuple of (name, reason) for each that was excluded.
    """
    checked = check_each(paths, names, where, memory_budget, shown)
    return checked.source(names, paths=paths) if len(checked.valid) else None, checked.broken


def find_images(root: str | os.PathLike) -> Texts:
    """The paths of all image files below `root`, relative to it, with forward slashes, sorted.

    What looks like an image and is none is listed as well, and decoding will say what it is: a link that leads
    nowhere or in a circle, a device, a fifo. So is, with a slash at its end, a folder that cannot be read: there may
    be images in it.

    Raises:
        InputError: where `root` itself cannot be read.
    """
    return Texts.of(_image_names(os.fspath(root)))


def has_images(root: str | os.PathLike) -> bool:
    """Whether `find_images` finds any, which ends with the first.

    Raises:
        InputError: where `root` itself cannot be read.
    """
    return next(_image_names(os.fspath(root)), None) is not None


def _image_names(root):
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
            folder = os.path.join(root, path)
            status = os.stat(folder)
            # A link to a folder that we are in would go on for ever.
            here = (status.st_dev, status.st_ino)
            if here in above:
                continue
            with os.scandir(folder) as entries:
                found = [name for entry in entries if (name := _name_of(entry)) is not None]
        except OSError as error:
            if not path:
                raise InputError(f"Cannot read the folder {root}: {error.strerror}") from error
            yield path
            continue
        waiting.append((path, (*above, here), sorted(found, reverse=True)))


def _name_of(entry):
    """The name of a folder, with a slash after it, or of what may be an image; None for all else."""
    if entry.name.startswith("."):
        return None
    if _is_folder(entry):
        return f"{entry.name}/"
    return entry.name if entry.name.lower().endswith(SUFFIXES) or _may_be_a_folder(entry) else None


def require_images(root: str | os.PathLike, folder: str | os.PathLike) -> Texts:
    """As `find_images`, at least one.

    Raises:
        InputError: where there is none, calling the folder `folder`, as it was given.
    """
    names = find_images(root)
    if not names:
        raise InputError(f"No images in {folder}: looked at any depth for files ending in {', '.join(SUFFIXES)}")
    return names


def report_unlabeled(source: ImageSource) -> str:
    """One line when images beside the subfolders keep these from being labels; else ""."""
    if source.labels is not None or source.paths is None:
        return ""
    beside = sum("/" not in name for name in source.names)
    if not 0 < beside < len(source):
        return ""
    return f"{beside:,} of {len(source):,} images lie beside the subfolders, so these are not taken as labels"


def _first_folder(name):
    first, slash, _ = name.partition("/")
    return first if slash else None


def _is_unicode(name):
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # links in a circle, or into a folder that may not be entered
        return False


def _may_be_a_folder(entry):
    """Whether this is a link, named like a folder, that leads nowhere to be seen: perhaps to a drive that is gone."""
    return entry.is_symlink() and "." not in entry.name and not os.path.exists(entry.path)
