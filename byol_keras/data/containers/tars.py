"""Tar archives of images, as WebDataset writes them, as a source."""

import os
from collections.abc import Sequence

from ...utils.progress import progress
from ..images import ImageSource
from ..validate import MEMORY_BUDGET
from .file_slices import FileSlices
from .joined import joined_source
from .tar_cache import cached_index


def from_tars(
    files: Sequence[str], root: str, where: str | os.PathLike, memory_budget: int = MEMORY_BUDGET
) -> ImageSource:
    """The images in some tar archives, in the order of the archives and in each of them.

    The headers are read here, once for an archive that stays as it is, and the images when they are asked for. See
    `index_tar` for what is an image, and a label. An archive that is damaged or cut off is named in `broken`, and used
    up to there.

    Args:
        files: absolute paths of archives, without compression.
        root: absolute path of the archive, or of the folder that all of them are in.
        where: text that names them all.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource, see `joined_source`.

    Raises:
        InputError: for what `joined_source` refuses.
    """
    indices = [cached_index(path) for path in progress(files, len(files), f"Reading the headers of {where}")]
    return joined_source(files, indices, lambda: FileSlices.of(files, indices), root, where, memory_budget)
