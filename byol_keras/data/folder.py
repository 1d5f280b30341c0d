"""A folder of images, or single image files, as a source."""

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.progress import Shown, print_beside, progress
from ..utils.texts import Texts
from .check_cache import CheckCache
from .file_names import SUFFIXES, UNREAD_SUFFIXES, file_names
from .images import ImageSource
from .rasters.raster_reading import PNG_SUFFIX, RasterReading, require_readers
from .rasters.raster_reading import SUFFIXES as RASTER_SUFFIXES
from .validate import MEMORY_BUDGET, check_all, check_each
from .value_range import checked_range


def from_folder(
    folder: str | os.PathLike, memory_budget: int = MEMORY_BUDGET, value_range: tuple[float, float] | None = None
) -> ImageSource:
    """The images below a folder, at any depth, sorted by path.

    These are JPEG, PNG, WebP, BMP and GIF, read as 8 bits, RGB or gray. Where there is none of them, or with a value
    range, they are rasters of any one number of channels, see `RasterReading`: .npy, TIFF and DICOM, and with a range
    PNG as well, in all of its bits.

    An image's label is the first folder on its path: `cat/2024/a.jpg` is a `cat`. With any image directly in the
    folder, there are no labels. Hidden files and folders are skipped; links are followed. What cannot be read, a file
    or a folder, is excluded and named in `broken`.

    Args:
        folder: path.
        memory_budget: int, bytes of pixels to hold at most.
        value_range: (low, high), the numbers of rasters that an encoder gets as 0 and 1; None for what each file says.

    Returns:
        ImageSource with `paths`, and with `images`, RGB or of rasters uint16, when all have one size and fit.

    Raises:
        InputError: when the folder is missing, holds no image, or holds too many that cannot be decoded (`check_all`
            has the rule), for rasters that differ in their channels, or without a package that reads them.
    """
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise InputError(f"No such folder: {folder}")
    names = require_images(root, folder, value_range)
    reading = reading_of(names, value_range)
    paths = names.prefixed(os.path.join(root, ""))
    cache = CheckCache(root, "" if reading is None else f"rasters {value_range}")
    checked = check_all(paths, names, folder, memory_budget, cache, reading)

    labels, class_names = first_folder_labels(names)
    try:
        return checked.source(names, paths=paths, labels=labels, class_names=class_names)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error


def first_folder_labels(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The labels of files by the first folder on their paths.

    A class whose files are all broken keeps its number, so that the other labels do not depend on it. But for one whose
    name is not UTF-8: no file in it can be used, and its name could be written nowhere.

    Args:
        names: N texts, paths below a folder.

    Returns:
        (N,) int64, -1 where there is none, and the name of each label.
    """
    class_names = tuple(sorted(name for name in {*map(_first_folder, names)} if name is not None and _is_unicode(name)))
    number = {name: i for i, name in enumerate(class_names)}
    return np.fromiter((number.get(_first_folder(name), -1) for name in names), np.int64, len(names)), class_names


def reading_of(names: Sequence[str], value_range: tuple[float, float] | None = None) -> RasterReading | None:
    """How the files with these names are read.

    Args:
        names: of files, all rasters or none.
        value_range: as for `from_folder`.

    Returns:
        RasterReading; None for JPEG and the like.

    Raises:
        InputError: where a package is missing that rasters need.
    """
    if value_range is None:
        known = (name.lower() for name in names if name.lower().endswith((*SUFFIXES, *RASTER_SUFFIXES)))
        if not next(known, "").endswith(RASTER_SUFFIXES):
            return None
    require_readers(names)
    return RasterReading(None if value_range is None else checked_range(value_range))


def from_files(
    paths: Sequence[str],
    names: Sequence[str],
    where: str,
    memory_budget: int = MEMORY_BUDGET,
    shown: Shown = progress,
    reading: RasterReading | None = None,
) -> tuple[ImageSource | None, tuple[tuple[str, str], ...]]:
    """The images in some files, without labels; those that cannot be decoded are excluded.

    Args:
        paths: N absolute paths.
        names: N texts.
        where: text that names them all while they are checked.
        memory_budget: int, bytes of pixels to hold at most.
        shown: shows how far it is, as for `check_each`.
        reading: of rasters, or None.

    Returns:
        ImageSource, or None where not one can be decoded, and a tuple of (name, reason) for each that was excluded.

    Raises:
        InputError: for rasters that differ in their channels.
    """
    checked = check_each(paths, names, where, memory_budget, shown, reading=reading)
    return checked.source(names, paths=paths) if len(checked.valid) else None, checked.broken


def find_images(
    root: str | os.PathLike,
    value_range: tuple[float, float] | None = None,
    passed_over: Counter | None = None,
) -> Texts:
    """The paths of all image files below `root`, relative to it, with forward slashes, sorted.

    Of JPEG and the like, or of rasters, see `from_folder`.

    What looks like an image and is none is listed as well, and decoding will say what it is: a link that leads
    nowhere or in a circle, a device, a fifo. So is, with a slash at its end, a folder that cannot be read: there may
    be images in it.

    Args:
        root: the folder.
        value_range: as for `from_folder`.
        passed_over: counts the images of the other kind, and of kinds that are never read, by the ends of their names.
            But for .npy files, which beside JPEG and the like may be anything.

    Raises:
        InputError: where `root` itself cannot be read.
    """
    passed_over = Counter() if passed_over is None else passed_over
    if value_range is not None:
        return Texts.of(file_names(root, (*RASTER_SUFFIXES, PNG_SUFFIX), (*SUFFIXES, *UNREAD_SUFFIXES), passed_over))
    names = Texts.of(file_names(root, SUFFIXES, (*RASTER_SUFFIXES[1:], *UNREAD_SUFFIXES), passed_over))
    if any(name.lower().endswith(SUFFIXES) for name in names):
        return names
    passed_over.clear()
    return Texts.of(file_names(root, RASTER_SUFFIXES, UNREAD_SUFFIXES, passed_over))


def require_images(
    root: str | os.PathLike,
    folder: str | os.PathLike,
    value_range: tuple[float, float] | None = None,
) -> Texts:
    """As `find_images`, at least one; says on stderr how many of other kinds are passed over.

    Raises:
        InputError: where there is none, calling the folder `folder`, as it was given.
    """
    passed_over = Counter()
    names = find_images(root, value_range, passed_over)
    never = Counter({end: passed_over.pop(end) for end in UNREAD_SUFFIXES if end in passed_over})
    if passed_over and names:
        others = "with a value range" if value_range is not None else "beside the other images"
        print_beside(f"{folder}: not read {others}: {_counts(passed_over)}")
    if never and names:
        print_beside(f"{folder}: not read before they are converted: {_counts(never)}")
    if not names:
        ends = (*SUFFIXES, *RASTER_SUFFIXES) if value_range is None else (*RASTER_SUFFIXES, PNG_SUFFIX)
        raise InputError(
            f"No images in {folder}: looked at any depth for files ending in {', '.join(ends)}"
            + ("" if value_range is None else "; without a `value_range` for others too")
            + (f". Not read before they are converted: {_counts(never)}" if never else "")
        )
    return names


def report_unlabeled(source: ImageSource) -> str:
    """One line when images beside the subfolders keep these from being labels; else ""."""
    if source.labels is not None or source.paths is None:
        return ""
    beside = sum("/" not in name for name in source.names)
    if not 0 < beside < len(source):
        return ""
    return f"{beside:,} of {len(source):,} images lie beside the subfolders, so these are not taken as labels"


def _counts(by_end):
    return ", ".join(f"{count:,} {end}" for end, count in sorted(by_end.items()))


def _first_folder(name):
    first, slash, _ = name.partition("/")
    return first if slash else None


def _is_unicode(name):
    return not any("\ud800" <= character <= "\udfff" for character in name)
