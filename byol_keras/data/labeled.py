"""Labeled images to train on and others to test with."""

import os
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.printable import printable
from ..utils.progress import print_beside
from .images import ImageSource
from .open import absolute_data, open_source


def open_train_and_test(
    train: str | os.PathLike, test: str | os.PathLike, value_range: Sequence[float] | None = None
) -> tuple[ImageSource, ImageSource]:
    """Opens two sources of labeled images with the same classes.

    Args:
        train, test, value_range: what `open_source` takes.

    Returns:
        Two `ImageSource` with labels; every class occurs in the first.

    Raises:
        InputError: for sources without labels, with one class only, with other classes than each other, or for a class
            without a training image.
    """
    train_source, test_source = (open_labeled(data, value_range) for data in (train, test))
    warn_if_the_same(train, test)
    if train_source.class_names != test_source.class_names:
        raise InputError(
            f"{train} and {test} do not have the same classes. "
            f"Received: {_names(train_source)} and {_names(test_source)}"
        )
    unknown = np.setdiff1d(test_source.labels, train_source.labels)
    if len(unknown):
        label = unknown[0]
        name = label if test_source.class_names is None else test_source.class_names[label]
        raise InputError(f"{train} has no image of the class {printable(name)}, which {test} has: add some.")
    return train_source, test_source


def warn_if_the_same(train: str | os.PathLike, test: str | os.PathLike) -> None:
    """Says on stderr where a source is both trained on and tested with."""
    if absolute_data(train) == absolute_data(test):
        print_beside(f"{train} is what is trained on and what is tested with: the figures say nothing of other images.")


def class_names_of(source: ImageSource) -> tuple[str, ...]:
    """The names of the K classes from 0 on; numbers where the labeled source has no names."""
    if source.class_names is None:
        return tuple(str(label) for label in range(int(source.labels.max()) + 1))
    return source.class_names


def open_labeled(data: str | os.PathLike, value_range: Sequence[float] | None = None) -> ImageSource:
    """Opens a source of labeled images of two classes or more.

    Args:
        data, value_range: what `open_source` takes.

    Returns:
        ImageSource with labels.

    Raises:
        InputError: for one without labels, or with one class only.
    """
    source = open_source(data, value_range=value_range)
    if source.labels is None:
        raise InputError(f"{data} has no labels: put the images of each class in a subfolder of its own.")
    if len(np.unique(source.labels)) < 2:
        raise InputError(f"{data} has one class only: nothing to tell apart.")
    return source


def _names(source):
    if source.class_names is None:
        return "classes without names"
    names = ", ".join(map(printable, source.class_names[:5]))
    return f"{len(source.class_names)} classes ({names}{', ...' if len(source.class_names) > 5 else ''})"
