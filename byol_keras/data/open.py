"""From the text that names a data source, as the command line takes it, to its images."""

import os
import stat
import sys
from collections.abc import Sequence

from ..errors import InputError
from ..utils.printable import printable
from .arrays import from_npz
from .broken import list_broken, report_broken
from .containers.container import from_container, is_container, refuse_embeddings, report_unread
from .containers.shard_manifest import MANIFEST, is_shards
from .containers.shards import from_shards
from .file_names import SUFFIXES as IMAGE_SUFFIXES
from .file_names import file_names, has_files
from .folder import from_files, from_folder, reading_of, report_unlabeled, require_images
from .images import ImageSource
from .rasters.raster_reading import SUFFIXES as RASTER_SUFFIXES
from .recordings import SUFFIXES as WAV_SUFFIXES
from .recordings import from_recordings, from_wavs
from .tfds import from_tfds
from .validate import MEMORY_BUDGET
from .value_range import checked_range


def open_source(
    data: str | os.PathLike,
    memory_budget: int = MEMORY_BUDGET,
    hold_pixels: bool = True,
    value_range: Sequence[float] | None = None,
) -> ImageSource:
    """Opens a source, and says on stderr which of its images had to be excluded.

    Args:
        data: a folder of images (`from_folder`), of .wav files (`from_recordings`) or of shards (`from_shards`); a .tar
            or a folder of them (`from_tars`); a .parquet or a folder of them (`from_parquet`); a folder of Hugging
            Face's `datasets` (`from_saved_dataset`); `tfds:NAME` or `tfds:NAME:SPLIT` (`from_tfds`; the split is
            `train` unless given); or an .npz file (`from_npz`).
        memory_budget: int, bytes of images that a source other than an .npz may hold in memory; of pixels no more than
            half of the free memory.
        hold_pixels: whether images of one size that fit are decoded and held. Without, they stay encoded, but for those
            of an .npz.
        value_range: (low, high), the numbers that an encoder gets as 0 and 1, for a folder of .npy, TIFF, DICOM or PNG
            files, which are then read in all of their bits, or an .npz without one of its own: the same for all images
            that one encoder is to see, see `Run.value_range`. None for what each file says.

    Returns:
        ImageSource.

    Raises:
        InputError: when there is no such source, or it cannot be used.

    Example:
        source = bk.data.open_source("photos")  # a folder; its subfolders are the classes
        source = bk.data.open_source("tfds:imagenette/160px-v2:validation")
        source = bk.data.open_source("ct", value_range=(-1024, 3071))  # DICOM, in Hounsfield units
        print(len(source), source.class_names)
    """
    data = os.fspath(data)
    path, pixel_budget = os.path.expanduser(data), memory_budget if hold_pixels else 0
    value_range = None if value_range is None else checked_range(value_range)
    is_sound = not data.startswith("tfds:") and is_recordings(path)
    if value_range is not None and (data.startswith("tfds:") or is_shards(path) or is_container(path) or is_sound):
        raise InputError(
            "A value range is for a folder of .npy, TIFF, DICOM or PNG files, or an .npz. "
            f"Received: {data} with value_range={value_range[0]:g} {value_range[1]:g}"
        )
    if data.startswith("tfds:"):
        name, _, split = data.removeprefix("tfds:").partition(":")
        if not name:
            raise InputError(f"A TFDS source is tfds:NAME or tfds:NAME:SPLIT. Received: {data}")
        source = from_tfds(name, split or "train", memory_budget=memory_budget, hold_pixels=hold_pixels)
    elif is_shards(path):
        source = from_shards(path, pixel_budget)
    elif is_container(path):
        source = from_container(path, data, pixel_budget)
    elif is_sound:
        source = from_recordings(path, memory_budget)
    elif os.path.isdir(path):
        refuse_embeddings(path)
        source = from_folder(path, pixel_budget, value_range)
    elif path.lower().endswith(".npz"):
        source = from_npz(path, value_range)
    elif os.path.exists(path):
        raise InputError(f"Not a folder, a .tar, .parquet or .npz file, or tfds:NAME: {data}")
    else:
        raise InputError(f"No such file or folder: {data!r} (a TFDS data set is tfds:NAME)")
    unread = report_unread(path) if source.paths is not None else ""
    for line in (report_broken(source), report_unlabeled(source), unread):
        if line:
            print(f"{data}: {line}", file=sys.stderr)
    return source


def is_recordings(data: str | os.PathLike) -> bool:
    """Whether `open_source` takes it for a folder of recordings: one with .wav files, and no images."""
    path = os.path.expanduser(os.fspath(data))
    if not os.path.isdir(path) or is_shards(path) or is_container(path):
        return False
    # The images first, of which one is enough: a folder of a million need not be searched for what it has not.
    return not has_files(path, (*IMAGE_SUFFIXES, *RASTER_SUFFIXES)) and has_files(path, WAV_SUFFIXES)


def open_files(paths: Sequence[str | os.PathLike], value_range: tuple[float, float] | None = None) -> ImageSource:
    """Opens image files, and all images in folders, or .wav files; says on stderr which cannot be decoded.

    Args:
        paths: files and folders.
        value_range: as for `open_source`.

    Returns:
        ImageSource without labels, with `paths`; the names are these as they were given.

    Raises:
        InputError: for a path at which there is nothing, a folder without images, or when no image can be decoded; for
            .npy, TIFF or DICOM among JPEG and the like, or that differ in their channels.
    """
    names = []
    for path in map(os.fspath, paths):
        if os.path.isdir(os.path.expanduser(path)):
            names += _in_folder(path, value_range)
        elif _is_missing(os.path.expanduser(path)):
            raise InputError(f"No such image: {printable(path)}")
        else:
            names.append(path)
    files = [os.path.abspath(os.path.expanduser(name)) for name in names]
    if all(name.lower().endswith(WAV_SUFFIXES) for name in names):
        what, failed = "recordings", "read"
        source, broken = from_wavs(files, names, "the recordings")
    else:
        rasters = sum(name.lower().endswith(RASTER_SUFFIXES) for name in names)
        if value_range is None and 0 < rasters < len(names):
            raise InputError(
                f"{rasters:,} of {len(names):,} images are .npy, TIFF or DICOM files, and the others are not: give "
                "those of one kind."
            )
        what, failed = "images", "decoded"
        source, broken = from_files(files, names, "the images", reading=reading_of(names, value_range))
    if source is None:
        raise InputError(f"None of the {what} can be {failed}: {list_broken(broken)}")
    if broken:
        print(f"These {what} cannot be {failed} and are excluded: {list_broken(broken)}", file=sys.stderr)
    return source


def _in_folder(folder, value_range):
    root = os.path.abspath(os.path.expanduser(folder))
    names = file_names(root, WAV_SUFFIXES) if is_recordings(root) else require_images(root, folder, value_range)
    return [os.path.join(folder, name) for name in names]


def _is_missing(path):
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # It is there, and the check will say what is the matter with it.
        return False
    return False


def absolute_data(data: str | os.PathLike) -> str:
    """The same data, found from every folder: paths are made absolute, `tfds:NAME` stays."""
    data = os.fspath(data)
    return data if data.startswith("tfds:") else os.path.abspath(os.path.expanduser(data))


def data_stamp(data: str | os.PathLike) -> str:
    """What changes when a source that is one file, or shards, does; "" for every other."""
    path = os.path.expanduser(os.fspath(data))
    if os.path.isdir(path) and is_shards(path):
        path = os.path.join(path, MANIFEST)
    try:
        status = os.stat(path)
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else ""
