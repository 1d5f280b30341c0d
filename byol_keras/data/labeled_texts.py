"""Files of texts, one a line, with labels or without."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..utils.printable import printable
from ..utils.regular_file import open_regular


class LabeledTexts(NamedTuple):
    """N texts in the order of their file; `labels` (N,) int64 and `class_names` are None where it has none."""

    texts: list[str]
    labels: np.ndarray | None
    class_names: tuple[str, ...] | None


def read_texts(path: str | os.PathLike, class_names: Sequence[str] | None = None) -> LabeledTexts:
    r"""The texts in a .txt, one a line, or in a .tsv, with a label behind the last tab of each line.

    There are no quotes and no header; lines that are empty or blank are passed over.

    Args:
        path: of the file, in UTF-8, with or without a byte order mark.
        class_names: the classes there are, such as those of the texts trained on; by default those that occur, sorted.

    Returns:
        LabeledTexts; labels count the class names from 0.

    Raises:
        InputError: with the file and the line, for what is not UTF-8, has a NUL byte, or in a .tsv a line without a
            text or a label, or with a label that is none of `class_names`; for a file that cannot be read, has another
            ending, or no texts.

    Example:
        train = bk.data.read_texts("train.tsv")
        test = bk.data.read_texts("test.tsv", train.class_names)
    """
    path = Path(path)
    if path.suffix not in (".tsv", ".txt"):
        raise InputError(f"Texts are read from a .tsv, TEXT TAB LABEL, or a .txt, one a line. Received: {path}")
    lines = [(number, line) for number, line in _lines(path) if line.strip()]
    if not lines:
        raise InputError(f"{path} has no texts: give one a line.")
    if path.suffix == ".txt":
        return LabeledTexts([line for _, line in lines], None, None)
    parted = [(number, *line.rpartition("\t")[::2]) for number, line in lines]
    for number, text, label in parted:
        if not text.strip() or not label.strip():
            raise InputError(
                f"{path}, line {number}: a line is a text, a tab and a label. Received: {_shown(text, label)}"
            )
    labels = [label.strip() for _, _, label in parted]
    names = tuple(sorted(set(labels)) if class_names is None else class_names)
    places = {name: place for place, name in enumerate(names)}
    for (number, _, _), label in zip(parted, labels, strict=True):
        if label not in places:
            raise InputError(
                f"{path}, line {number}: {printable(label)!r} is none of the {len(names)} classes: "
                f"{printable(', '.join(names[:10]))}."
            )
    return LabeledTexts([text for _, text, _ in parted], np.array([places[label] for label in labels], np.int64), names)


def _lines(path):
    """The number, from 1, and the text of every line."""
    try:
        with open_regular(path) as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    # Not splitlines, which also ends lines at marks that a text may hold.
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if b"\0" in line:
            raise InputError(f"{path}, line {number}: a NUL byte, at byte {line.index(0) + 1}. Is this a text file?")
        try:
            yield number, line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, line {number}: not UTF-8, at byte {error.start + 1}. Save the file in UTF-8."
            ) from error


def _shown(text, label):
    line = f"{text}\t{label}" if text else label
    return repr(line if len(line) <= 60 else line[:57] + "...")
