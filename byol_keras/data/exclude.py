"""Images of a source that training must not see, by name."""

import os
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.text_file import read_text_file
from .broken import list_names
from .images import ImageSource


def read_names(path: str | os.PathLike) -> list[str]:
    """The lines of a text file without the blank ones: images or folders below a source, as its names have them.

    Raises:
        InputError: for a file without a name in it, or one that is no text.
    """
    names = [line.strip().rstrip("/") for line in read_text_file(path).splitlines() if line.strip()]
    if not names:
        raise InputError(f"{path} names nothing: write an image or a folder on each line.")
    return names


def matches(name: str, exclude: set[str]) -> set[str]:
    """Those of `exclude` that are the image `name` or a folder it is in."""
    parts = name.split("/")
    return exclude.intersection("/".join(parts[:i]) for i in range(1, len(parts) + 1))


def excluding(source: ImageSource, exclude: Sequence[str]) -> ImageSource:
    """The images that are neither in `exclude` nor in a folder that is.

    Args:
        source: `ImageSource`.
        exclude: names below the source, such as `Abel_Pacheco` or `Abel_Pacheco/Abel_Pacheco_0001.jpg`.

    Returns:
        ImageSource.

    Raises:
        InputError: where one of `exclude` is no image and no folder, or nothing remains.
    """
    if not exclude:
        return source
    wanted, found, included = set(exclude), set(), np.ones(len(source), bool)
    for index, name in enumerate(source.names):
        matching = matches(name, wanted)
        found |= matching
        included[index] = not matching
    # What cannot be decoded is there all the same.
    unknown = sorted(wanted.difference(found, *(matches(name, wanted) for name, _ in source.broken)))
    if unknown:
        raise InputError(
            f"{len(unknown):,} of the {len(wanted):,} names to exclude are no image and no folder of the source: "
            f"{list_names(unknown)}. Write them as they are below the source."
        )
    if not included.any():
        raise InputError(f"All {len(source):,} images of the source are excluded: nothing remains to train on.")
    return source.subset(included)
