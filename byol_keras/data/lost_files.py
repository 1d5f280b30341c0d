"""Images that could be read when a source was opened, and no longer can."""

import os
import stat
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import tensorflow as tf

from ..errors import InputError
from .decode import check
from .images import ImageSource
from .validate import list_broken

Result = TypeVar("Result")


def read_what_is_left(source: ImageSource, function: Callable[[ImageSource], Result]) -> tuple[Result, ImageSource]:
    """`function(source)`, which reads images; where some are lost meanwhile, of those that are left.

    One line on stderr names the lost ones.

    Args:
        source: `ImageSource`.
        function: of it.

    Returns:
        What the function returned, and the source that it was given at last.
    """
    while True:
        try:
            return function(source), source
        except (tf.errors.OpError, InputError):
            lost = lost_files(source, range(len(source)))
            if not lost or len(lost) == len(source):
                raise
        said = list_broken([(source.names[index], reason) for index, reason in lost.items()])
        print(f"These images cannot be read any more and are passed over: {said}", file=sys.stderr, flush=True)
        source = source.subset([index for index in range(len(source)) if index not in lost])


def lost_files(source: ImageSource, suspects: Iterable[int] = ()) -> dict[int, str]:
    """What has happened to the files of a source since it was opened.

    Whether a file is there is asked for all of them, which is quick; what is in it for the suspects only.

    Args:
        source: `ImageSource`.
        suspects: indices of images to decode.

    Returns:
        dict: the reason by the index of each image that cannot be read as it was; empty for a source without files.
    """
    if source.paths is None:
        return {}
    lost = {index: reason for index, path in enumerate(source.paths) if (reason := _missing(path))}
    changed = {source.paths[index]: _changed(source, index) for index in suspects if index not in lost}
    # One file may stand at several places of a source.
    return lost | {index: reason for index, path in enumerate(source.paths) if (reason := changed.get(path))}


def _missing(path):
    try:
        return None if stat.S_ISREG(os.stat(path).st_mode) else "no longer a file"
    except OSError as error:
        return error.strerror


def _changed(source, index):
    """Why an image cannot take the place of what was there, or None."""
    found = check(source.paths[index])
    if found.reason is not None:
        return found.reason
    size = tuple(source.sizes[index].tolist())
    if found.size != size:
        return f"{found.size[0]} x {found.size[1]} pixels now, and {size[0]} x {size[1]} before"
    return None if found.jpeg == source.jpeg[index] else "of another format than before"
