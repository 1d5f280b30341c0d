"""Labelled pictures to learn from and others to judge by."""

import numpy as np

from ..errors import InputError
from . import open_source


def open_train_and_test(train, test):
    """Opens two SOURCEs of labelled pictures with the same classes.

    Args:
        train, test: SOURCEs.

    Returns:
        two `Pictures` with labels; every class occurs in the first.

    Raises:
        InputError: for sources without labels, with one class only, with other classes than each other, or for a class
            without a training picture.
    """
    train_pictures, test_pictures = open_labelled(train), open_labelled(test)
    if train_pictures.class_names != test_pictures.class_names:
        raise InputError(
            f"{train} and {test} do not have the same classes. "
            f"Received: {_names(train_pictures)} and {_names(test_pictures)}"
        )
    unknown = np.setdiff1d(test_pictures.labels, train_pictures.labels)
    if len(unknown):
        label = unknown[0]
        name = label if test_pictures.class_names is None else test_pictures.class_names[label]
        raise InputError(f"{train} has no picture of the class {name!s}, which {test} has: add some.")
    return train_pictures, test_pictures


def class_names_of(pictures):
    """The names of the classes from 0 on, K str; numbers where the source has no names."""
    if pictures.class_names is None:
        return tuple(str(label) for label in range(int(pictures.labels.max()) + 1))
    return pictures.class_names


def open_labelled(source):
    """Opens a SOURCE of labelled pictures of two classes or more.

    Raises:
        InputError: for one without labels, or with one class only.
    """
    pictures = open_source(source)
    if pictures.labels is None:
        raise InputError(f"{source} has no labels: put the pictures of each class in a subfolder of its own.")
    if len(np.unique(pictures.labels)) < 2:
        raise InputError(f"{source} has one class only: nothing to tell apart.")
    return pictures


def _names(pictures):
    if pictures.class_names is None:
        return "classes without names"
    names = ", ".join(pictures.class_names[:5])
    return f"{len(pictures.class_names)} classes ({names}{', ...' if len(pictures.class_names) > 5 else ''})"
