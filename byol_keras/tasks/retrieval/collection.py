"""The images of a source as they are now, before any of them is read."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence

import numpy as np

from ...data import ImageSource, open_source
from ...data.decode import check, decode
from ...data.folder import from_files, require_images
from ...utils.progress import Shown, progress
from ...utils.texts import Texts


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """N images, each with a name and a stamp that changes when the image does.

    Attributes:
        data: str, what names the source, as for `data.open_source`.
        names: N texts, each once.
        stamps: N texts: size and time of change of a file, else a digest of the pixels.
        paths: N absolute paths, or None where the images are no files.
        source: `ImageSource`, or None where they are files, which are opened when they are needed.
    """

    data: str
    names: Texts
    stamps: tuple[str, ...]
    paths: Texts | None = None
    source: ImageSource | None = None

    def __len__(self) -> int:
        return len(self.names)

    def opened(
        self, positions: np.ndarray, shown: Shown = progress
    ) -> tuple[ImageSource | None, Sequence[tuple[str, str]]]:
        """Some of the images, to be embedded.

        Args:
            positions: (n,) int.
            shown: shows how far it is where files are read, as for `evaluation.embed`.

        Returns:
            `ImageSource`, or None where not one can be decoded, and (name, reason) of each that was excluded.
        """
        if self.source is not None:
            return self.source.subset(positions), ()
        return from_files(self.paths[positions], self.names[positions], self.data, shown=shown)

    def pixels(self, position: int) -> np.ndarray:
        """One image, (H, W, 1 or 3) uint8.

        Raises:
            InputError: when it can no longer be read.
        """
        if self.source is None:
            return decode(self.paths[position])
        if self.source.images is not None:
            return self.source.images[position]
        return decode(self.source.encoded[position])

    def size(self, position: int) -> tuple[int, int]:
        """Height and width of one image in pixels, (0, 0) where it can no longer be read."""
        if self.source is not None:
            return tuple(self.source.sizes[position].tolist())
        return check(self.paths[position]).size or (0, 0)


def open_collection(data: str | os.PathLike) -> Collection:
    """The images of a source. Of a folder only the names are read, not the images.

    Args:
        data: a folder of images, or what else `data.open_source` opens.

    Returns:
        `Collection`, of at least one image.

    Raises:
        InputError: when there is no such source, or no image in it.

    Example:
        photos = bk.tasks.open_collection("photos")
    """
    text = os.fspath(data)
    folder = os.path.abspath(os.path.expanduser(text))
    if text.startswith("tfds:") or not os.path.isdir(folder):
        source = open_source(text)
        contents = source.encoded if source.images is None else source.images
        stamps = tuple(hashlib.blake2b(content, digest_size=16).hexdigest() for content in contents)
        return Collection(text, source.names, stamps, source=source)
    names = require_images(folder, text)
    paths = names.prefixed(os.path.join(folder, ""))
    return Collection(text, names, tuple(_stamp(path) for path in paths), paths=paths)


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        # A link that leads nowhere: opening it will say so.
        return "missing"
    return f"{status.st_size}-{status.st_mtime_ns}"
