"""Images that could be read when a source was opened, and no longer can."""

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import tensorflow as tf

from ..errors import InputError
from .broken import list_broken
from .images import ImageSource
from .validate import check_at, check_each

Result = TypeVar("Result")


@contextlib.contextmanager
def naming_lost_files(source: ImageSource) -> Iterator[None]:
    """A context to iterate in over batches that are read from a source, once, by what must have every image.

    TensorFlow's error has no file's name in it, or says only that some bytes cannot be decoded. So the source is
    checked again, and where that finds the cause it is named.

    Args:
        source: `ImageSource`.

    Raises:
        InputError: in place of TensorFlow's error, if files have been deleted or damaged since the source was opened.
    """
    try:
        yield
    except tf.errors.OpError as error:
        contents = _contents(source)
        if contents is None:
            raise
        where = "what can still be read"
        broken = check_each(contents, source.names, where, memory_budget=0, reading=source.reading).broken
        if not broken:
            raise
        raise InputError(
            f"{len(broken):,} of {len(source):,} images can no longer be read: {list_broken(broken)}. They could when "
            "this command began. Begin again: they are excluded then, or put them back first."
        ) from error


def read_what_is_left(
    source: ImageSource, function: Callable[[ImageSource], Result]
) -> tuple[Result | None, ImageSource]:
    """`function(source)`, which reads images; where some are lost meanwhile, of those that are left.

    One line on stderr names the lost ones.

    Args:
        source: `ImageSource`.
        function: of it.

    Returns:
        What the function returned, None where no image is left; and the source to read from the next time.
    """
    while True:
        try:
            return function(source), source
        except (tf.errors.OpError, InputError):
            lost = lost_files(source, range(len(source)))
            if not lost:
                raise
        said = list_broken([(source.names[index], reason) for index, reason in lost.items()])
        print(f"These images cannot be read any more and are passed over: {said}", file=sys.stderr, flush=True)
        if len(lost) == len(source):
            return None, source
        source = source.subset([index for index in range(len(source)) if index not in lost])


def lost_files(source: ImageSource, suspects: Iterable[int] = ()) -> dict[int, str]:
    """What has happened to the files of a source since it was opened.

    Whether a file is there is asked for all of them, which is quick; what is in it for the suspects only, and of
    images that are not files of their own, these alone are looked at.

    Args:
        source: `ImageSource`.
        suspects: indices of images to decode.

    Returns:
        dict: the reason by the index of each image that cannot be read as it was; empty for a source of pixels, and of
        recordings, which are not read again.
    """
    if source.sample_rate is not None:
        return {}
    if source.paths is None:
        changed = {} if _contents(source) is None else {index: _changed(source, index) for index in suspects}
        return {index: reason for index, reason in sorted(changed.items()) if reason}
    lost = {index: reason for index, path in enumerate(source.paths) if (reason := _missing(path))}
    changed = {source.paths[index]: _changed(source, index) for index in suspects if index not in lost}
    # One file may stand at several places of a source.
    lost |= {index: reason for index, path in enumerate(source.paths) if (reason := changed.get(path))}
    return dict(sorted(lost.items()))


def _contents(source):
    """What is read anew each time, `paths` or `encoded`; None where the pixels are held."""
    if source.images is not None:
        return None
    return source.encoded if source.paths is None else source.paths


def _missing(path):
    try:
        return None if stat.S_ISREG(os.stat(path).st_mode) else "no longer a file"
    except OSError as error:
        return error.strerror


def _changed(source, index):
    """Why an image cannot take the place of what was there, or None."""
    found = check_at(source.encoded if source.paths is None else source.paths, index, reading=source.reading)
    if found.reason is not None:
        return found.reason
    size = tuple(source.sizes[index].tolist())
    if found.size != size:
        return f"{found.size[0]} x {found.size[1]} pixels now, and {size[0]} x {size[1]} before"
    if found.jpeg != source.jpeg[index]:
        return "of another format than before"
    return None if found.orientation == source.orientations[index] else "stored in another orientation than before"
