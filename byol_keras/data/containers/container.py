"""Files that hold many images each: which of them a path names."""

import os
import re

from ...errors import InputError
from ...utils.embeddings_folder import is_embeddings_folder
from ...utils.printable import printable
from ..broken import list_names
from ..file_names import has_images
from ..images import ImageSource
from ..validate import MEMORY_BUDGET
from .parquet import from_parquet
from .saved_dataset import from_saved_dataset, saved_files
from .tars import from_tars

TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")  # of which all but the first are refused
SAVED = "Arrow"  # a folder of Hugging Face's `datasets`
KINDS = {"tar": TARS, "Parquet": (".parquet",)}

# As `datasets` and TFDS name them: train-00000-of-00005.parquet
_PART = re.compile(r"(.+)-\d+-of-\d+\.\w+")


def is_container(path: str | os.PathLike) -> bool:
    """Whether a path is a file that holds many images, or a folder of such files and of no other images.

    The files have to lie directly in the folder. As soon as there is an image file in it, at any depth, it is a folder
    of images.

    Args:
        path: without `~`.
    """
    return bool(_found(path)) and not (os.path.isdir(path) and has_images(path))


def from_container(
    path: str | os.PathLike, where: str | os.PathLike, memory_budget: int = MEMORY_BUDGET
) -> ImageSource:
    """The images in one file, or in all the files of a folder in the order of their names.

    Args:
        path: for which `is_container` is true.
        where: text that names it.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource.

    Raises:
        InputError: when it cannot be used: see `from_tars`, `from_parquet` and `from_saved_dataset`.
    """
    refuse_embeddings(path)
    found = _found(path)
    if len(found) > 1:
        raise InputError(
            f"{where} holds {' and '.join(sorted(found))} files: put those of one kind in their own folder."
        )
    ((kind, files),) = found.items()
    splits = sorted({part[1] for name in map(os.path.basename, files) if (part := _PART.fullmatch(name))})
    if len(splits) > 1:
        raise InputError(
            f"{where} holds the parts of {len(splits)} data sets or splits: {list_names(splits)}. "
            "Put the files of one, or links to them, in a folder of its own."
        )
    read = {"tar": from_tars, "Parquet": from_parquet, SAVED: from_saved_dataset}[kind]
    return read(files, os.path.abspath(path), where, memory_budget)


def report_unread(path: str | os.PathLike) -> str:
    """One line on the containers in a folder that is a folder of images, which are not read; else ""."""
    names = [os.path.basename(name) for files in _found(path).values() for name in files]
    return f"not read, because there are image files as well: {list_names(names)}" if names else ""


def refuse_embeddings(path: str | os.PathLike) -> None:
    """Raises InputError for a folder of embeddings, which are no images."""
    if is_embeddings_folder(path):
        raise InputError(
            f"{printable(path)} holds embeddings, not images: give the images. Only search and duplicates take "
            "embeddings in their place."
        )


def _found(path):
    """The absolute paths of files that hold many images, sorted, by the kind of file."""
    path = os.path.abspath(path)
    if os.path.isdir(path) and (files := saved_files(path)):
        return {SAVED: files}
    folder, names = (path, None) if os.path.isdir(path) else os.path.split(path)
    try:
        names = os.listdir(path) if names is None else [names]
    except OSError:  # which whoever reads the folder says
        return {}
    found = {}
    for kind, ends in KINDS.items():
        # In a table of many files, what is no part of it begins with _.
        chosen = sorted(name for name in names if name.lower().endswith(ends) and name[0] not in "._")
        paths = [os.path.join(folder, name) for name in chosen]
        if files := [file for file in paths if os.path.lexists(file) and not os.path.isdir(file)]:
            found[kind] = files
    return found
