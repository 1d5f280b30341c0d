"""The column `label` of a table of images, class numbers or names, and the names that stand elsewhere for numbers."""

import json
import os
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import InputError
from ...utils.progress import print_beside
from ..images import MAX_LABEL

LABEL = "label"

Index = TypeVar("Index")  # `ParquetIndex` or `ArrowIndex`


def has_labels(schema: pa.Schema, path: str | os.PathLike) -> bool:
    """Whether a table has the column; InputError where it has two."""
    count = schema.names.count(LABEL)
    if count > 1:
        raise InputError(f"{path} has {count} columns {LABEL}: rename all but one.")
    return count == 1


def class_labels(column: pa.ChunkedArray, path: str | os.PathLike) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """The classes in a column.

    Args:
        column: N labels: whole numbers, also as floats or booleans, or texts; any of them null.
        path: of the file, for messages. One on stderr says that a column of another type is not used.

    Returns:
        labels: (N,) int64, -1 where there is none.
        texts: where the column holds texts, the different ones, sorted, to which the labels are indices; or None.

    Raises:
        InputError: for a number that is too high to count classes up to it.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    type = column.type
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        encoded = column.cast(pa.large_string()).combine_chunks().dictionary_encode()
        found = encoded.dictionary.to_pylist()
        texts = sorted(found)
        ranks = {text: rank for rank, text in enumerate(texts)}
        numbers = np.array([*(ranks[text] for text in found), -1], np.int64)
        return numbers[_indices(encoded.indices)], tuple(texts)
    if pa.types.is_integer(type) or pa.types.is_boolean(type) or _is_whole(column):
        highest = pc.max(column).as_py()
        if highest is not None and highest > MAX_LABEL:
            raise InputError(
                f"{path}: class numbers are from 0 to {MAX_LABEL:,}: number the classes from 0 on, or write their "
                f"names. Received: {LABEL}={int(highest)}"
            )
        return _indices(column), None
    if not pa.types.is_null(type):
        print_beside(f"{path}: its column {LABEL} is neither class numbers nor names, but {type}, so it is not used")
    return np.full(len(column), -1), None


def numbered_together(indices: Sequence[Index], where: str | os.PathLike) -> tuple[list[Index], tuple[str, ...] | None]:
    """Gives a class the same number in several files.

    Args:
        indices: of each file, with `labels` and `texts` as `class_labels` gives them.
        where: text that names them all.

    Returns:
        The same, with labels that are indices to the texts of all; and these texts, sorted, or None where no file has
        texts.

    Raises:
        InputError: where some files have texts and others numbers.
    """
    if all(index.texts is None for index in indices):
        return list(indices), None
    if any(index.texts is None and (index.labels >= 0).any() for index in indices):
        raise InputError(
            f"{where}: some files have class numbers in the column {LABEL} and others names: use one kind."
        )
    names = sorted({text for index in indices for text in index.texts or ()})
    ranks = {name: rank for rank, name in enumerate(names)}
    together = []
    for index in indices:
        numbers = np.array([*(ranks[text] for text in index.texts or ()), -1], np.int64)
        together.append(index._replace(labels=numbers[index.labels]))
    return together, tuple(names)


def class_names_of_features(metadata: Mapping[bytes, bytes] | None) -> tuple[str, ...] | None:
    """The names of the classes of `label`, as `datasets` writes them into a schema's metadata, or None."""
    try:
        return class_names_in(json.loads((metadata or {})[b"huggingface"])["info"]["features"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def class_names_in(features: dict) -> tuple[str, ...] | None:
    """The names of the classes of `label`, by the description of features that `datasets` writes, or None."""
    try:
        label = features[LABEL]
        names = label["names"] if label["_type"] == "ClassLabel" else None
    except (KeyError, TypeError):
        return None
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def _is_whole(column):
    """Whether these are floats of whole numbers: pandas makes floats of whole numbers where one is missing."""
    return pa.types.is_floating(column.type) and pc.all(pc.equal(column, pc.round(column))).as_py() is not False


def _indices(column):
    return pc.fill_null(column.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
