"""The images that a run trains on, by name and in their order, and the source put into that order again."""

import dataclasses
import json
from collections.abc import Sequence

import numpy as np

from ..data.broken import MAX_BROKEN_SHARE, list_names
from ..data.images import ImageSource
from ..errors import InputError
from ..utils.atomic import atomic_path
from ..utils.text_file import read_text_file
from ..utils.texts import Texts
from .run import Run

_TAIL = "]}\n"  # the last line of images.json


def write_image_list(run: Run, source: ImageSource) -> None:
    """Writes images.json: the names in their order, and whether the pixels are held in memory.

    Training draws its order by the images' places, and other crops from images in memory than from files. Each name is
    on a line of its own, so that a million of them are read without holding them all as strings.
    """
    with atomic_path(run.image_list_path) as path, open(path, "w", encoding="utf-8") as file:
        file.write(_head(source.images is not None))
        for number, name in enumerate(source.names, start=1):
            file.write(f"{json.dumps(name)}{',' if number < len(source) else ''}\n")
        file.write(_TAIL)


def in_listed_order(run: Run, source: ImageSource) -> tuple[ImageSource, tuple[str, ...]]:
    """The images of a run as training had them at first, whatever has come to its source or gone since.

    Args:
        run: `Run`, with its images.json.
        source: what its `data` is now; images that are not in the list are passed over.

    Returns:
        ImageSource, and the names that are missing: in the place of each stands the next image that is there.

    Raises:
        InputError: where the list cannot be read, too many images are missing, or they are no longer of one size.
    """
    listed, in_memory = _read(run)
    indices = source.names.places(listed)
    missing = tuple(listed[np.flatnonzero(indices < 0)])
    if len(missing) > MAX_BROKEN_SHARE * len(listed):
        raise InputError(
            f"{len(missing):,} of the {len(listed):,} images that {run.folder} was begun with are not in {run.data} "
            f"now: {list_names(missing)}. Put them back, or begin a new run."
        )
    if in_memory and source.images is None:
        raise InputError(
            f"The images in {run.data} were of one size and held in memory when {run.folder} was begun, and are not "
            "now. Take out what has come since, or free as much memory as there was, or begin a new run."
        )
    ordered = source.subset(filled(indices))
    return ordered if in_memory else dataclasses.replace(ordered, images=None), missing


def filled(indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Each -1 replaced by the next index that is none, the first coming after the last: (N,) int.

    At least one must be none.
    """
    indices = np.asarray(indices)
    there = np.flatnonzero(indices >= 0)
    following = there[np.searchsorted(there, np.arange(len(indices))) % len(there)]
    return indices[following]


def _read(run):
    path = run.image_list_path
    try:
        names, in_memory = _read_by_lines(path) or _read_whole(path)
        if not len(names):
            raise ValueError("it lists no names")
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} cannot be read as the list of a run's images: {error}. Begin a new run.") from error
    return names, in_memory


def _read_by_lines(path):
    """The list as `write_image_list` writes it; None for any other, by an earlier version or another hand."""
    try:
        with open(path, encoding="utf-8") as file:
            in_memory = {_head(value): value for value in (True, False)}[file.readline()]
            return Texts.of(json.loads(line.rstrip(",\n")) for line in iter(file.readline, _TAIL)), in_memory
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def _head(in_memory):
    return f'{{"in_memory": {json.dumps(in_memory)}, "names": [\n'


def _read_whole(path):
    listed = json.loads(read_text_file(path))
    names = listed["names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("it lists no names")
    return Texts.of(names), bool(listed["in_memory"])
