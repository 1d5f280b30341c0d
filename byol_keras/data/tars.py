"""Tar archives of images, as WebDataset writes them, as a source."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.progress import print_beside, progress
from ..utils.texts import Texts
from .check_cache import CheckCache
from .file_slices import FileSlices
from .images import ImageSource
from .tar_index import index_tar
from .validate import MAX_BROKEN_SHARE, MEMORY_BUDGET, check_all, list_broken


def from_tars(
    files: Sequence[str], root: str, where: str | os.PathLike, memory_budget: int = MEMORY_BUDGET
) -> ImageSource:
    """The images in some tar archives, in the order of the archives and in each of them.

    The headers are read once, here, and the images when they are asked for. See `index_tar` for what is an image, and
    a label. An archive that is damaged or cut off is named in `broken`, and used up to there.

    Args:
        files: absolute paths of archives, without compression.
        root: absolute path of the archive, or of the folder that all of them are in.
        where: text that names them all.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource, whose names are `shard.tar/name`; with `images`, RGB, when all have one size and fit, else with
        `encoded`.

    Raises:
        InputError: when there is no image, or too many archives are damaged, or too many images cannot be decoded
            (`check_all` has the rule for both).
    """
    indices = [index_tar(path) for path in progress(files, len(files), f"Reading the headers of {where}")]
    archives = [os.path.basename(path) for path in files]
    broken = [
        (f"{archive}/{name}" if name else archive, reason)
        for archive, index in zip(archives, indices, strict=True)
        for name, reason in index.broken
    ]
    damaged = [(name, reason) for name, reason in broken if name in archives]
    if len(damaged) > 1 and len(damaged) > MAX_BROKEN_SHARE * len(files):
        raise InputError(
            f"{where}: {len(damaged):,} of {len(files):,} archives are not whole: {list_broken(damaged)}. "
            "Copy them again, or remove them."
        )
    names = Texts.of(
        f"{archive}/{name}" for archive, index in zip(archives, indices, strict=True) for name in index.names
    )
    if not names:
        raise InputError(f"No images in {where}" + (f": {list_broken(broken)}" if broken else ""))
    labels = np.concatenate([index.labels for index in indices])
    images = FileSlices(
        files,
        np.repeat(np.arange(len(files), dtype=np.int32), [len(index.names) for index in indices]),
        np.concatenate([index.starts for index in indices]),
        np.concatenate([index.lengths for index in indices]),
    )
    checked = check_all(images, names, where, memory_budget, CheckCache(root))
    say_unlabeled(labels, where)
    source = checked.source(names, encoded=images, labels=labels)
    return dataclasses.replace(source, broken=(*broken, *source.broken))


def say_unlabeled(labels: np.ndarray, where: str | os.PathLike) -> None:
    """Says on stderr that labels are not used because some are missing, which are below 0."""
    missing = int(np.count_nonzero(labels < 0))
    if 0 < missing < len(labels):
        print_beside(f"{where}: {missing:,} of {len(labels):,} images have no label, so no label is used")
