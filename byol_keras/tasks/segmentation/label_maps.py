"""Label maps: images whose pixels are class numbers."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...errors import InputError
from ...utils.text_file import read_text_file

# No class: pixels excluded from the loss and from the score. The customary number in label maps, too.
VOID = 255
# The name that a class of such pixels has in classes.txt.
VOID_NAME = "void"
# One number per pixel. In a palette image ("P") the number is the class, the color is for people.
MODES = ("L", "P", "1")
# What Pillow multiplies gray of 2 and 4 bits by, by the way it is stored.
SCALES = {"L;2": 85, "L;4": 17}


def read_label_map(path: str | os.PathLike) -> np.ndarray:
    """The class numbers of a label map.

    Args:
        path: a .png with one channel, gray or with a palette.

    Returns:
        (H, W) uint8.

    Raises:
        InputError: when it cannot be read, or has more than one number per pixel.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            mode, stored = image.mode, image.tile[0].args
            numbers = np.asarray(image) // SCALES.get(stored, 1) if mode in MODES else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = "not a PNG file" if isinstance(error, UnidentifiedImageError) else error
        raise InputError(f"Cannot read the label map {path}: {reason}") from error
    if numbers is None:
        raise InputError(
            f"{path} is no label map, which has one number of 8 bits for every pixel, its class: it is an image of "
            f"mode {mode}. Convert its colors to class numbers."
        )
    return numbers.astype(np.uint8)


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names in a classes.txt, one per line, in the order of their numbers.

    Returns:
        tuple of str.

    Raises:
        InputError: for an empty file, a name given twice, or too many for the numbers of a label map.
    """
    names = tuple(line.strip() for line in read_text_file(path).splitlines())
    while names and not names[-1]:
        names = names[:-1]
    if not names or "" in names or len(set(names)) < len(names) or len(names) > VOID:
        raise InputError(f"{path} must hold 1 to {VOID} names, one per line, none empty and none twice.")
    return names


def class_indices(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Which class each number of a label map means.

    Args:
        names: tuple of str, of the numbers from 0 on. The one called "void" is no class.

    Returns:
        class_names: tuple of C str, `names` without void.
        indices: (256,) int64: from 0 to C - 1; VOID for void and the number 255; -1 for numbers without a name.
    """
    indices = np.full(256, -1)
    indices[VOID] = VOID
    class_names = []
    for number, name in enumerate(names):
        indices[number] = VOID if name == VOID_NAME else len(class_names)
        class_names += [name] if name != VOID_NAME else []
    return tuple(class_names), indices
