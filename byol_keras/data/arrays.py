"""Arrays, in memory or in an .npz file, as a source."""

import os
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.regular_file import open_regular
from ..utils.texts import Texts
from .images import MAX_LABEL, ImageSource
from .value_range import checked_range, to_levels

# What an .npz file may hold.
ARRAYS = ("images", "labels", "class_names", "value_range")


def from_arrays(
    images: np.ndarray,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    value_range: Sequence[float] | None = None,
) -> ImageSource:
    """Images from arrays.

    Args:
        images: (N, H, W, C) or (N, H, W), any C: 1 gray, 3 RGB, others as they are; uint8, floating point within
            [0, 1], or with `value_range` numbers of any type.
        labels: (N,) or (N, 1), whole numbers from 0 to MAX_LABEL, or None.
        class_names: the name of each label, or None.
        value_range: (low, high), the values that an encoder gets as 0 and 1, such as (0, 4095) for 12 bits: the same
            for all images that one encoder is to see. None where they are uint8, or within [0, 1].

    Returns:
        ImageSource with `images`: (N, H, W) becomes (N, H, W, 1); with `value_range` they are uint16, scaled to all of
        its 65,536 levels, else uint8.

    Raises:
        InputError: for other shapes, types or values.

    Example:
        (images, labels), _ = keras.datasets.fashion_mnist.load_data()
        source = bk.data.from_arrays(images, labels)
        embeddings = bk.evaluation.embed(encoder, source)
        scans = bk.data.from_arrays(scans, value_range=(0, 4095))  # (N, H, W) uint16, of 12 bits
    """
    images = _checked_images(images, value_range)
    if labels is not None:
        labels = _checked_labels(labels, len(images))
    if labels is None:
        class_names = None
    elif class_names is not None:
        class_names = tuple(map(_text, np.asarray(class_names).tolist()))
        if labels.max() >= len(class_names):
            raise InputError(f"Label {labels.max()} has no name. Received: {len(class_names)} class_names")
    return ImageSource(
        names=Texts.of(map(str, range(len(images)))),
        sizes=np.tile(np.array(images.shape[1:3], np.int32), (len(images), 1)),
        labels=labels,
        class_names=class_names,
        images=images,
        value_range=None if value_range is None else checked_range(value_range),
    )


def from_npz(path: str | os.PathLike, value_range: Sequence[float] | None = None) -> ImageSource:
    """Images from an .npz file with `images`, and optionally `labels`, `class_names` and `value_range`.

    All are as `from_arrays` takes them.

    Args:
        path: of the file.
        value_range: for a file that has none of its own.

    Returns:
        ImageSource with `images`.

    Raises:
        InputError: when the file cannot be read, has another range, or `from_arrays` refuses what is in it.
    """
    arrays = _load(path)
    try:
        own = arrays.setdefault("value_range", value_range)
        if value_range is not None and checked_range(own) != checked_range(value_range):
            raise InputError(
                f"its values are from {own[0]:g} to {own[1]:g}, and {value_range[0]:g} to {value_range[1]:g} are asked "
                "for: one encoder sees all images in one range"
            )
        return from_arrays(**arrays)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _load(path):
    """The arrays of an .npz file that `from_arrays` has a use for."""
    try:
        # Given a path, numpy would leave the file open when it finds it damaged.
        with open_regular(path) as opened:
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: one array, not an .npz file: save it with numpy.savez(path, images=...)")
            if "images" not in file:
                raise InputError(f"{path}: no array named images. Received: {', '.join(file) or 'no arrays'}")
            return {name: file[name] for name in ARRAYS if name in file}
    except FileNotFoundError:
        raise InputError(f"No such file: {path}") from None
    except MemoryError as error:
        raise InputError(f"{path}: its arrays do not fit into memory: write the images out as a folder.") from error
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable .npz file of plain arrays: {error}") from error


def _text(name):
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _checked_images(images, value_range):
    try:
        images = np.asarray(images)
    except ValueError as error:
        raise InputError("images of several sizes are not one array: write them out as a folder") from error
    if images.ndim not in (3, 4):
        raise InputError(f"images must be (N, H, W, C) or (N, H, W). Received: shape={images.shape}")
    if images.ndim == 3:
        images = images[..., None]
    if 0 in images.shape:
        raise InputError(f"images must not be empty. Received: shape={images.shape}")
    if images.shape[1] in (1, 3) and images.shape[-1] not in (1, 3):
        raise InputError(f"images must have their channels as the last axis. Received: shape={images.shape}")
    if value_range is not None:
        if images.dtype.kind not in "iuf":
            raise InputError(f"images with a value_range must be numbers. Received: dtype={images.dtype}")
        return _scaled(images, *checked_range(value_range), np.uint16)
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(
            "images must be uint8, floating point within [0, 1], or have a value_range, such as 0, 4095 for 12 bits. "
            f"Received: dtype={images.dtype}"
        )
    return _scaled(images, 0.0, 1.0, np.uint8)


def _scaled(images, low, high, dtype):
    """The values from low to high as all levels of an integer type, rounded."""
    least, most = images.min(), images.max()
    if not (least >= low and most <= high):  # also catches NaN
        kind = "floating point images" if dtype == np.uint8 else "images"
        raise InputError(f"{kind} must be within [{low:g}, {high:g}]. Received: values from {least:g} to {most:g}")
    levels = np.empty(images.shape, dtype)
    for target, image in zip(levels, images, strict=True):  # one by one: the memory of floats only for one image
        if dtype == np.uint8:  # by the type of before, to the levels of before
            target[...] = np.rint(image * 255.0)
        else:
            to_levels(image, (low, high), target)
    return levels


def _checked_labels(labels, count):
    labels = np.asarray(labels)
    if labels.shape not in ((count,), (count, 1)):
        raise InputError(f"labels must be one for each of the {count} images. Received: shape={labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels must be whole numbers, their names in class_names. Received: dtype={labels.dtype}")
    labels = labels.reshape(count)
    if labels.min() < 0 or labels.max() > MAX_LABEL:
        raise InputError(
            f"labels must be from 0 to {MAX_LABEL:,}. Received: labels from {labels.min()} to {labels.max()}"
        )
    return labels.astype(np.int64)
