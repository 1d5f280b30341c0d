"""A split of images that follow one another, such as the frames of a drive.

Neighbors in a film are near-duplicates. Split at random, nearly every test image would have its double among the
training images, and the figures would be those of remembering.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from ..errors import InputError
from ..utils.printable import printable


def ordered_split(names: Sequence[str], test_share: float) -> tuple[list[str], list[str]]:
    """Cuts each class once, in the order of its images' names: the beginning to train on, the end to test with.

    Args:
        names: paths below a folder; the first folder on the path is the class, as in `from_folder`.
            Numbers are ordered as numbers: frame9 comes before frame10.
        test_share: float in (0, 1), of each class, rounded, but at least one image.

    Returns:
        Two lists of str, in order: training and test names.

    Raises:
        InputError: for a share out of range, or a class too small to be cut.
    """
    if not 0 < test_share < 1:
        raise InputError(f"test_share must be above 0 and below 1. Received: {test_share}")
    classes = defaultdict(list)
    for name in names:
        classes[name.split("/")[0] if "/" in name else ""].append(name)
    train, test = [], []
    for label, members in sorted(classes.items()):
        members = sorted(members, key=_natural)
        held = max(1, round(test_share * len(members)))
        if held >= len(members):
            raise InputError(
                f"{printable(label) or 'The folder'} has {len(members)} images: with {test_share:g} of them to test "
                "with, none is left to train on."
            )
        train += members[:-held]
        test += members[-held:]
    return train, test


def _natural(name):
    """A key to sort by: texts and numbers in turn, so that like is compared with like; the name itself for ties."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name
