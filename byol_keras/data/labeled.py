"""Labeled images to learn from and others to judge by."""

import numpy as np

from ..errors import InputError
from . import open_source


def open_train_and_test(train, test):
    """Opens two SOURCEs of labeled images with the same classes.

    Args:
        train, test: SOURCEs.

    Returns:
        two `ImageSource` with labels; every class occurs in the first.

    Raises:
        InputError: for sources without labels, with one class only, with other classes than each other, or for a class
            without a training image.
    """
    train_images, test_images = open_labeled(train), open_labeled(test)
    if train_images.class_names != test_images.class_names:
        raise InputError(
            f"{train} and {test} do not have the same classes. "
            f"Received: {_names(train_images)} and {_names(test_images)}"
        )
    unknown = np.setdiff1d(test_images.labels, train_images.labels)
    if len(unknown):
        label = unknown[0]
        name = label if test_images.class_names is None else test_images.class_names[label]
        raise InputError(f"{train} has no image of the class {name!s}, which {test} has: add some.")
    return train_images, test_images


def class_names_of(source):
    """The names of the classes from 0 on, K str; numbers where the source has no names."""
    if source.class_names is None:
        return tuple(str(label) for label in range(int(source.labels.max()) + 1))
    return source.class_names


def open_labeled(data):
    """Opens a SOURCE of labeled images of two classes or more.

    Raises:
        InputError: for one without labels, or with one class only.
    """
    source = open_source(data)
    if source.labels is None:
        raise InputError(f"{data} has no labels: put the images of each class in a subfolder of its own.")
    if len(np.unique(source.labels)) < 2:
        raise InputError(f"{data} has one class only: nothing to tell apart.")
    return source


def _names(source):
    if source.class_names is None:
        return "classes without names"
    names = ", ".join(source.class_names[:5])
    return f"{len(source.class_names)} classes ({names}{', ...' if len(source.class_names) > 5 else ''})"
