"""Pictures of a source that training must not see, by name."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from .validate import list_names


def read_names(path):
    """The lines of a text file without the blank ones: pictures or folders below a source, as its names have them.

    Raises:
        InputError: for a file without a name in it, or one that is no text.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8: {error}") from error
    names = [line.strip().rstrip("/") for line in lines if line.strip()]
    if not names:
        raise InputError(f"{path} names nothing: write a picture or a folder on each line.")
    return names


def matches(name, left_out):
    """Those of `left_out`, a set of str, that are the picture `name` or a folder it is in."""
    parts = name.split("/")
    return left_out.intersection("/".join(parts[:i]) for i in range(1, len(parts) + 1))


def without(pictures, left_out):
    """The pictures that are neither in `left_out` nor in a folder that is.

    Args:
        pictures: `Pictures`.
        left_out: list of str, such as `Abel_Pacheco` or `Abel_Pacheco/Abel_Pacheco_0001.jpg`.

    Returns:
        Pictures.

    Raises:
        InputError: where one of `left_out` is no picture and no folder, or nothing remains.
    """
    if not left_out:
        return pictures
    wanted = set(left_out)
    found = [matches(name, wanted) for name in pictures.names]
    # What cannot be decoded is there all the same.
    broken = [matches(name, wanted) for name, _ in pictures.broken]
    unknown = sorted(wanted.difference(*found, *broken))
    if unknown:
        raise InputError(
            f"{len(unknown):,} of the {len(wanted):,} names to leave out are no picture and no folder of the source: "
            f"{list_names(unknown)}. Write them as they are below the source."
        )
    kept = np.array([not names for names in found])
    if not kept.any():
        raise InputError(f"All {len(pictures):,} pictures of the source are left out: nothing remains to train on.")
    return pictures.subset(kept)
