"""Pairs of images that show the same or not, in folds: LFW's pairs.txt, and a plain CSV for other folders."""

import csv
import dataclasses
import os
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Self

import numpy as np

from ...data.broken import list_names
from ...errors import InputError
from ...utils.text_file import read_text_file

COLUMNS = ["fold", "a", "b", "same"]


@dataclasses.dataclass(frozen=True, eq=False)
class VerificationPairs:
    """N pairs of images, see `read_pairs`.

    Attributes:
        a, b: N texts: the path below the folder of images, with forward slashes; LFW's without the file's ending.
        same: (N,) bool, whether both show the same.
        folds: (N,) int64, from 1 on.
    """

    a: tuple[str, ...]
    b: tuple[str, ...]
    same: np.ndarray
    folds: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    def in_folds(self, folds: Sequence[int]) -> Self:
        """The pairs of some folds.

        Args:
            folds: list of int.

        Raises:
            InputError: for a fold that there is not.
        """
        unknown = sorted(set(folds) - set(self.folds.tolist()))
        if unknown:
            known = ", ".join(map(str, np.unique(self.folds)))
            raise InputError(f"No pair is in fold {unknown[0]}; the folds are {known}.")
        chosen = np.flatnonzero(np.isin(self.folds, folds))
        return type(self)(
            tuple(self.a[i] for i in chosen),
            tuple(self.b[i] for i in chosen),
            self.same[chosen],
            self.folds[chosen],
        )

    def identities(self) -> set[str]:
        """What must not be trained on to test on these pairs: the first folders on the images' paths, one per person.

        Returns:
            set of str; an image in no folder stands for itself.
        """
        return {identity(name) for name in (*self.a, *self.b)}


def identity(name: str) -> str:
    """The first folder on an image's path, which is a person's; the image itself where it is in none."""
    return PurePosixPath(name).parts[0]


def read_pairs(path: str | os.PathLike) -> VerificationPairs:
    """Reads a file of pairs.

    Either LFW's pairs.txt: the number of folds and of pairs of a kind in each, then fold by fold one line per pair,
    `name number number` for the same person and `name number name number` for two, where `Ann 7` is the image
    Ann/Ann_0007. Or a CSV with the columns fold, a, b and same: a whole number, two paths below the folder of images,
    and 1 or 0.

    Args:
        path: of the file.

    Returns:
        `VerificationPairs`.

    Raises:
        InputError: for a file that is neither, naming the line; for less than two folds, or a fold of one kind only.

    Example:
        pairs = bk.tasks.read_pairs("lfw/pairs.txt").in_folds([6, 7, 8, 9, 10])
    """
    lines = read_text_file(path).splitlines()
    header = lines[0].split() if lines else []
    if len(header) == 2 and all(field.isdecimal() and int(field) for field in header):
        rows = _lfw_rows(path, lines, *map(int, header))
    elif lines and next(csv.reader(lines[:1])) == COLUMNS:
        rows = _csv_rows(path, lines)
    else:
        raise InputError(
            f"{path}, line 1: pairs begin with LFW's two numbers, of folds and of pairs of a kind in each, or with the "
            f"columns {','.join(COLUMNS)}. Received: {lines[0][:80] if lines else 'an empty file'}"
        )
    folds, a, b, same = zip(*rows, strict=True) if rows else ((), (), (), ())
    pairs = VerificationPairs(a, b, np.array(same, bool), np.array(folds, np.int64))
    _check_folds(path, pairs)
    return pairs


def fold_numbers(text: str) -> list[int]:
    """Folds as one writes them: "6-10", "1,3" or "1-3,7", to a sorted list of int.

    Raises:
        InputError: for anything else.
    """
    numbers = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) < 10**6):
            raise InputError(f"`folds` takes numbers from 1, such as 6-10 or 1,3. Received: folds={text!r}")
        numbers.update(range(int(first), int(last) + 1))
    return sorted(numbers)


def locate_pairs(pairs: VerificationPairs, names: Sequence[str], where: str | os.PathLike) -> np.ndarray:
    """Which images the pairs are of.

    Args:
        pairs: `VerificationPairs`.
        names: list of M str, the images' paths below their folder.
        where: text that names the folder in the error.

    Returns:
        (N, 2) int, indices into `names`.

    Raises:
        InputError: where images are missing.

    Example:
        places = bk.tasks.locate_pairs(pairs, source.names, "lfw")
    """
    # Also by the name without its ending, which LFW's lines do not have; of two such, the first counts.
    places = {str(PurePosixPath(name).with_suffix("")): i for i, name in reversed(list(enumerate(names)))}
    places.update({name: i for i, name in enumerate(names)})
    wanted = {*pairs.a, *pairs.b}
    missing = sorted(wanted - places.keys())
    if missing:
        raise InputError(
            f"{len(missing):,} of the {len(wanted):,} images in the pairs are not in {where}, or cannot be decoded: "
            f"{list_names(missing)}."
        )
    return np.array([[places[a], places[b]] for a, b in zip(pairs.a, pairs.b, strict=True)])


def _lfw_rows(path, lines, folds, size):
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        # A name may have spaces where tabs part the fields.
        fields = line.split("\t") if "\t" in line else line.split()
        if not fields:
            continue
        same = len(fields) == 3
        names, numbers = (fields[:1], fields[1:]) if same else (fields[::2], fields[1::2])
        if len(fields) not in (3, 4) or not all(number.strip().isdecimal() for number in numbers):
            raise InputError(
                f"{path}, line {number}: a pair is `name number number` or `name number name number`. "
                f"Received: {line[:80]}"
            )
        names = [names[0], names[-1]]
        a, b = (f"{name.strip()}/{name.strip()}_{int(i):04d}" for name, i in zip(names, numbers, strict=True))
        rows.append((len(rows) // (2 * size) + 1, _inside(path, number, a), _inside(path, number, b), same))
    if len(rows) != folds * 2 * size:
        raise InputError(
            f"{path}: line 1 promises {folds} folds of {size} + {size} pairs, {folds * 2 * size:,} in all, "
            f"but {len(rows):,} follow."
        )
    return rows


def _csv_rows(path, lines):
    rows = []
    for number, fields in _csv_fields(path, lines):
        if not fields:
            continue
        is_fold = fields[0].isdecimal() and len(fields[0]) < 7 and int(fields[0]) > 0
        if len(fields) != 4 or not is_fold or fields[3] not in ("0", "1"):
            raise InputError(
                f"{path}, line {number}: a pair is a fold from 1, two paths, and 1 (the same) or 0. "
                f"Received: {','.join(fields)[:80]}"
            )
        fold, a, b, same = fields
        rows.append((int(fold), _inside(path, number, a), _inside(path, number, b), same == "1"))
    return rows


def _csv_fields(path, lines):
    """(number of its last line, fields) of each row after the header."""
    reader = csv.reader(lines[1:])
    try:
        for fields in reader:
            yield reader.line_num + 1, fields
    except csv.Error as error:  # such as of a quotation mark that is not closed
        raise InputError(f"{path}, line {reader.line_num + 1}: {error}. Correct the line or one before it.") from error


def _inside(path, number, name):
    """`name`, when it is a path below the folder of images."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise InputError(f"{path}, line {number}: {name!r} is not a path below the folder of images.")
    return "/".join(parts)


def _check_folds(path, pairs):
    folds = np.unique(pairs.folds)
    if len(folds) < 2:
        raise InputError(
            f"{path} must have 2 folds or more, since each is tested with what the others teach. Received: {len(folds)}"
        )
    for fold in folds:
        kinds = np.unique(pairs.same[pairs.folds == fold])
        if len(kinds) < 2:
            other = "two different" if kinds[0] else "the same"
            raise InputError(f"{path}: fold {fold} has no pair of {other}; each fold takes pairs of both kinds.")
