"""Arrays, in memory or in an .npz file, as a source."""

import os
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..utils.regular_file import open_regular
from ..utils.texts import Texts
from .images import ImageSource


def from_arrays(
    images: np.ndarray, labels: np.ndarray | None = None, class_names: Sequence[str] | None = None
) -> ImageSource:
    """Images from arrays.

    Args:
        images: (N, H, W, C) or (N, H, W), C 1 or 3; uint8, or floating point within [0, 1].
        labels: (N,) or (N, 1), whole numbers from 0 on, or None.
        class_names: the name of each label, or None.

    Returns:
        ImageSource with `images`: floating point becomes uint8, (N, H, W) becomes (N, H, W, 1).

    Raises:
        InputError: for other shapes, types or values.

    Example:
        (images, labels), _ = keras.datasets.fashion_mnist.load_data()
        source = bk.data.from_arrays(images, labels)
        embeddings = bk.evaluation.embed(encoder, source)
    """
    images = _checked_images(images)
    if labels is not None:
        labels = _checked_labels(labels, len(images))
    if labels is None:
        class_names = None
    elif class_names is not None:
        class_names = tuple(np.asarray(class_names).astype(str).tolist())
        if labels.max() >= len(class_names):
            raise InputError(f"Label {labels.max()} has no name. Received: {len(class_names)} class_names")
    return ImageSource(
        names=Texts.of(map(str, range(len(images)))),
        sizes=np.tile(np.array(images.shape[1:3], np.int32), (len(images), 1)),
        labels=labels,
        class_names=class_names,
        images=images,
    )


def from_npz(path: str | os.PathLike) -> ImageSource:
    """Images from an .npz file with `images`, and optionally `labels` and `class_names`, as `from_arrays` takes them.

    Args:
        path: of the file.

    Returns:
        ImageSource with `images`.

    Raises:
        InputError: when the file cannot be read or `from_arrays` refuses what is in it.
    """
    arrays = _load(path)
    try:
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
            return {name: file[name] for name in ("images", "labels", "class_names") if name in file}
    except FileNotFoundError:
        raise InputError(f"No such file: {path}") from None
    except MemoryError as error:
        raise InputError(f"{path}: its arrays do not fit into memory: write the images out as a folder.") from error
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable .npz file of plain arrays: {error}") from error


def _checked_images(images):
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
    if images.shape[-1] not in (1, 3):
        raise InputError(f"images must have 1 or 3 channels, as the last axis. Received: shape={images.shape}")
    if images.dtype == np.uint8:
        return images
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(f"images must be uint8, or floating point within [0, 1]. Received: dtype={images.dtype}")
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):  # also catches NaN
        raise InputError(f"floating point images must be within [0, 1]. Received: values from {low:g} to {high:g}")
    rounded = np.empty(images.shape, np.uint8)
    for target, image in zip(rounded, images, strict=True):  # one by one: four times the memory only for one image
        target[...] = np.rint(image * 255.0)
    return rounded


def _checked_labels(labels, count):
    labels = np.asarray(labels)
    if labels.shape not in ((count,), (count, 1)):
        raise InputError(f"labels must be one for each of the {count} images. Received: shape={labels.shape}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"labels must be whole numbers, their names in class_names. Received: dtype={labels.dtype}")
    labels = labels.reshape(count).astype(np.int64)
    if labels.min() < 0:
        raise InputError(f"labels must be from 0 on. Received: {labels.min()}")
    return labels
