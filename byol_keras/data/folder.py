"""A folder of pictures as a source."""

import os

import numpy as np

from ..errors import InputError
from .images import Pictures
from .validate import MEMORY_BUDGET, check_all

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")


def from_folder(folder, memory_budget=MEMORY_BUDGET):
    """The pictures below a folder, at any depth, sorted by path.

    A picture's label is the first folder on its path: `cat/2024/a.jpg` is a `cat`. With any picture directly in the
    folder, there are no labels. Hidden files and folders are skipped; links are followed.

    Args:
        folder: path.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        Pictures with `paths`, and with `images`, RGB, when all have one size and fit.

    Raises:
        InputError: when the folder is missing, holds no picture, or holds too many that cannot be decoded (`check_all`
            has the rule).
    """
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {folder}")
    names = find_pictures(root)
    if not names:
        raise InputError(f"No pictures in {folder}: looked at any depth for files ending in {', '.join(SUFFIXES)}")
    paths = [os.path.join(root, name) for name in names]
    checked = check_all(paths, names, folder, memory_budget)

    # A class whose pictures are all broken keeps its number, so that the other labels do not depend on it.
    class_names = tuple(sorted({name.split("/")[0] for name in names if "/" in name}))
    names = tuple(names[i] for i in checked.kept)
    labels = None
    if all("/" in name for name in names):
        number = {name: i for i, name in enumerate(class_names)}
        labels = np.array([number[name.split("/")[0]] for name in names], np.int64)
    return Pictures(
        names=names,
        sizes=checked.sizes,
        labels=labels,
        class_names=None if labels is None else class_names,
        images=checked.images,
        paths=tuple(paths[i] for i in checked.kept),
        jpeg=checked.jpeg,
        broken=checked.broken,
    )


def find_pictures(root):
    """The paths of all picture files below `root`, relative to it, with forward slashes, sorted."""
    names = []
    _collect(root, "", (), names)
    return sorted(names)


def report_unlabelled(pictures):
    """One line when pictures beside the subfolders keep these from being labels; else ""."""
    beside = sum("/" not in name for name in pictures.names)
    if pictures.labels is not None or pictures.paths is None or not 0 < beside < len(pictures):
        return ""
    return f"{beside:,} of {len(pictures):,} pictures lie beside the subfolders, so these are not taken as labels"


def _collect(folder, prefix, above, names):
    """Appends to `names` the pictures of one folder and those below; `above` identifies the folders on the way."""
    try:
        status = os.stat(folder)
        # A link to a folder that we are in would go on for ever.
        here = (status.st_dev, status.st_ino)
        if here in above:
            return
        with os.scandir(folder) as entries:
            entries = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(f"Cannot read the folder {folder}: {error.strerror}") from error
    for entry in entries:
        if entry.is_dir():
            _collect(entry.path, f"{prefix}{entry.name}/", (*above, here), names)
        # A link that leads nowhere is listed as well: its picture is missing, and the check will say so.
        elif entry.name.lower().endswith(SUFFIXES) and (entry.is_file() or entry.is_symlink()):
            names.append(prefix + entry.name)
