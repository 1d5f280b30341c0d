"""Encoded images by random access: the one way to their bytes, wherever these lie."""

import abc
from collections.abc import Sequence
from typing import overload

import numpy as np


class EncodedImages(Sequence[bytes], abc.ABC):
    """N encoded images in a fixed order, each read from where it lies when it is asked for.

    One image is had by its number; a slice, a mask or an array of numbers gives another `EncodedImages`, for which
    nothing is read. Several threads may read at once.

    What lies elsewhere is a class of its own with `__len__` and `take`.

    Example:
        source = bk.data.open_source("tfds:imagenette/160px-v2")
        source.encoded[0][:2]  # b"\\xff\\xd8", as all JPEGs begin
    """

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        """Several images, in one call.

        Args:
            indices: (n,) int, from 0 to N - 1, in any order and with repeats.

        Returns:
            n byte strings, each an encoded image.

        Raises:
            OSError, InputError: where one cannot be read any more.
        """

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> "EncodedImages": ...
    def __getitem__(self, index):
        if np.ndim(index) == 0 and not isinstance(index, slice):
            return self.take([range(len(self))[index]])[0]
        return self._some(np.arange(len(self))[index])

    def _some(self, indices: np.ndarray) -> "EncodedImages":
        return _Some(self, indices)


class ContainedImages(EncodedImages):
    """Encoded images that lie in a few files, many in each.

    Args:
        files: F paths.
        file_of: (N,) int, the number of the file that each image lies in.
    """

    def __init__(self, files: Sequence[str], file_of: np.ndarray):
        self.files, self.file_of = tuple(files), file_of

    def __len__(self) -> int:
        return len(self.file_of)


class MemoryImages(EncodedImages):
    """Encoded images that are held in memory.

    Args:
        contents: N byte strings.
    """

    def __init__(self, contents: Sequence[bytes]):
        self._contents = tuple(contents)

    def __len__(self) -> int:
        return len(self._contents)

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        return [self._contents[index] for index in indices]

    def _some(self, indices: np.ndarray) -> EncodedImages:
        return MemoryImages(self.take(indices))  # which does not hold on to the others


class _Some(EncodedImages):
    """The images `indices` of others."""

    def __init__(self, images: EncodedImages, indices: np.ndarray):
        self._images, self._indices = images, indices

    def __len__(self) -> int:
        return len(self._indices)

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        return self._images.take(self._indices[indices])

    def _some(self, indices: np.ndarray) -> EncodedImages:
        return _Some(self._images, self._indices[indices])
