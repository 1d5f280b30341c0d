"""Several files that hold many images each, as one source."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ...errors import InputError
from ...utils.progress import print_beside
from ...utils.texts import Texts
from ..broken import MAX_BROKEN_SHARE, list_broken
from ..check_cache import CheckCache
from ..encoded import ContainedImages
from ..images import ImageSource
from ..validate import check_all


class Part(Protocol):
    """What is known of one file: `TarIndex` and `ParquetIndex` say more of it.

    Attributes:
        names: n texts.
        labels: (n,) int64, -1 where there is none.
        broken: (name, reason) of what cannot be used; with the name "" of the file itself.
    """

    names: Texts
    labels: np.ndarray
    broken: tuple[tuple[str, str], ...]


def joined_source(
    files: Sequence[str],
    parts: Sequence[Part],
    images: Callable[[], ContainedImages],
    root: str,
    where: str | os.PathLike,
    memory_budget: int,
    class_names: tuple[str, ...] | None = None,
) -> ImageSource:
    """The images in some files, checked.

    Args:
        files: F absolute paths.
        parts: what is known of each.
        images: gives all of their images, in their order.
        root: absolute path that their names belong to, of a file or of the folder that all are in.
        where: text that names them all.
        memory_budget: int, bytes of pixels to hold at most.
        class_names: the name of each label, or None.

    Returns:
        ImageSource, whose names are `file/name`; with `images`, RGB, when all have one size and fit, else with
        `encoded`.

    Raises:
        InputError: when there is no image, when more than one file and more than MAX_BROKEN_SHARE of them are not
            whole, when too many images cannot be decoded (`check_all` has the rule), or for a label without a name.
    """
    heads = [os.path.basename(path) for path in files]
    broken = [
        (f"{head}/{name}" if name else head, reason)
        for head, part in zip(heads, parts, strict=True)
        for name, reason in part.broken
    ]
    damaged = [(name, reason) for name, reason in broken if name in heads]
    if len(damaged) > 1 and len(damaged) > MAX_BROKEN_SHARE * len(files):
        raise InputError(
            f"{where}: {len(damaged):,} of {len(files):,} files are not whole: {list_broken(damaged)}. "
            "Copy them again, or remove them."
        )
    names = Texts.of(f"{head}/{name}" for head, part in zip(heads, parts, strict=True) for name in part.names)
    if not names:
        raise InputError(f"No images in {where}" + (f": {list_broken(broken)}" if broken else ""))
    labels = np.concatenate([part.labels for part in parts])
    if class_names is not None and labels.max() >= len(class_names):
        raise InputError(f"{where}: label {labels.max()} has no name. Received: {len(class_names)} names of classes")
    encoded = images()
    checked = check_all(encoded, names, where, memory_budget, CheckCache(root))
    missing = int(np.count_nonzero(labels < 0))
    if 0 < missing < len(labels):
        print_beside(f"{where}: {missing:,} of {len(labels):,} images have no label, so no label is used")
    source = checked.source(names, encoded=encoded, labels=labels, class_names=class_names)
    return dataclasses.replace(source, broken=(*broken, *source.broken))
