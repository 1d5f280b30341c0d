"""A folder of images with label maps."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from ...data.decode import decode
from ...data.folder import find_images
from ...errors import InputError
from ...utils.progress import progress
from .label_maps import VOID, class_indices, read_class_names, read_label_map


@dataclass(frozen=True, eq=False)
class SegmentationDataset:
    """N images with a class for every pixel, read from their files when they are wanted.

    Attributes:
        names: N texts, the paths below images/, with forward slashes.
        images, label_maps: N paths each.
        class_names: C texts, void not among them.
        indices: (256,) int64, see `label_maps.class_indices`.
        pixels: (N, C) int64, how many of each class each label map has.
    """

    names: tuple[str, ...]
    images: tuple[str, ...]
    label_maps: tuple[str, ...]
    class_names: tuple[str, ...]
    indices: np.ndarray
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def image(self, i: int) -> np.ndarray:
        """(H, W, 3) uint8."""
        return decode(self.images[i])

    def labels(self, i: int) -> np.ndarray:
        """(H, W) uint8: class from 0 to C - 1, or VOID."""
        return self.indices[read_label_map(self.label_maps[i])].astype(np.uint8)

    def subset(self, indices: Sequence[int] | np.ndarray) -> Self:
        """The images at `indices` (n,) int, in that order."""
        indices = np.asarray(indices, np.int64)
        chosen = {name: tuple(getattr(self, name)[i] for i in indices) for name in ("names", "images", "label_maps")}
        return replace(self, **chosen, pixels=self.pixels[indices])


def open_segmentation(folder: str | os.PathLike, like: SegmentationDataset | None = None) -> SegmentationDataset:
    """Opens a folder and checks every file in it.

    The images lie in images/, at any depth; labels/ has a .png for each, of the same path but for the suffix, whose
    pixels are class numbers, those of the upright image. classes.txt, one per line, names the numbers from 0 on;
    without it the numbers are the names. The number 255 and the class called "void" are no class.

    Args:
        folder: path.
        like: `SegmentationDataset` whose classes these have to have, or None.

    Returns:
        `SegmentationDataset`.

    Raises:
        InputError: that names the file, for a missing, unreadable or wrong label map, an image that cannot be
            decoded, or classes other than those of `like`.

    Example:
        train = bk.tasks.open_segmentation("street/train")
        test = bk.tasks.open_segmentation("street/test", like=train)
    """
    folder = Path(folder).expanduser()
    names = _images(folder / "images")
    label_maps = _label_maps(folder, names)
    images = tuple(str(folder / "images" / name) for name in names)
    numbers = [
        _checked(image, label_map)
        for image, label_map in progress(zip(images, label_maps, strict=True), len(names), f"Checking {folder}")
    ]
    class_names, indices, named = _classes(folder, like, np.sum(numbers, axis=0))
    if not class_names:
        raise InputError(f"The label maps in {folder} are all void: there is no class.")
    for label_map, count in zip(label_maps, numbers, strict=True):
        unnamed = np.flatnonzero((count > 0) & (indices < 0))
        if unnamed.size:
            raise InputError(
                f"{label_map} has the class number {unnamed[0]}, but {named} has names for 0 to {_last_named(indices)} "
                "only: correct the label map, or name the class."
            )
    pixels = np.zeros((len(names), len(class_names)), np.int64)
    for number in np.flatnonzero((indices >= 0) & (indices != VOID)):
        pixels[:, indices[number]] = [count[number] for count in numbers]
    return SegmentationDataset(names, images, label_maps, class_names, indices, pixels)


def _last_named(indices):
    """The last number with a name, but for 255, which is void without one."""
    return int(np.flatnonzero(indices[:VOID] >= 0)[-1])


def _images(folder):
    if not folder.is_dir():
        raise InputError(f"No such folder: {folder}. It has to hold the images, and labels/ beside it the label maps.")
    names = find_images(folder)
    if not names:
        raise InputError(f"No images in {folder}.")
    stems = {}
    for name in names:
        other = stems.setdefault(Path(name).with_suffix(""), name)
        if other != name:
            raise InputError(f"{folder / other} and {folder / name} would have the same label map: rename one.")
    return tuple(names)


def _label_maps(folder, names):
    expected = {Path(name).with_suffix(".png"): name for name in names}
    for label_map, name in expected.items():
        if not (folder / "labels" / label_map).is_file():
            raise InputError(
                f"The label map {folder / 'labels' / label_map} of {folder / 'images' / name} is missing: add it, or "
                "take the image away."
            )
    for name in find_images(folder / "labels"):
        if Path(name) not in expected:
            raise InputError(f"{folder / 'labels' / name} has no image in {folder / 'images'}: take it away.")
    return tuple(str(folder / "labels" / label_map) for label_map in expected)


def _checked(image, label_map):
    """How many pixels of each number a label map has, (256,) int64, when it fits its image."""
    labels, size = read_label_map(label_map), decode(image).shape[:2]
    if labels.shape != size:
        raise InputError(
            f"{label_map} has {labels.shape[1]} x {labels.shape[0]} pixels, its image {image} {size[1]} x "
            f"{size[0]}: make the label map the size of the image, without interpolation."
        )
    return np.bincount(labels.ravel(), minlength=256)


def _classes(folder, like, counts):
    """`class_indices`, and what the names come from, for errors."""
    path = folder / "classes.txt"
    names = read_class_names(path) if path.is_file() else None
    if like is None:
        if names is None:
            found = np.flatnonzero(counts[:VOID])
            names = tuple(str(number) for number in range(int(found[-1]) + 1 if found.size else 0))
        return *class_indices(names), path
    if names is not None and not _same_classes(*class_indices(names), like):
        raise InputError(f"{path} does not have the classes of the training images: {', '.join(like.class_names)}.")
    return like.class_names, like.indices, "the list of the training images"


def _same_classes(class_names, indices, like):
    """Whether the numbers mean the same; where the training images have none but numbers, their names are unknown."""
    unnamed = like.class_names == tuple(map(str, range(len(like.class_names))))
    return (indices == like.indices).all() and (unnamed or class_names == like.class_names)
