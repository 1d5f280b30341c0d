"""The images of a source as they are now, before any of them is read."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence

import numpy as np

from ...data import ImageSource, open_source
from ...data.containers.container import is_container
from ...data.containers.shard_manifest import is_shards
from ...data.folder import from_files, reading_of, require_images
from ...data.image_pixels import image_of, shown_image
from ...data.open import is_recordings
from ...data.rasters.raster_reading import RasterReading
from ...data.validate import check_at
from ...errors import InputError
from ...utils.embeddings_folder import Embeddings, is_embeddings_folder, read_embeddings
from ...utils.progress import Shown, progress
from ...utils.texts import Texts


@dataclasses.dataclass(frozen=True, eq=False)
class Collection:
    """N images, each with a name and a stamp that changes when the image does.

    Attributes:
        data: str, what names the source, as for `data.open_source`.
        names: N texts, each once.
        stamps: N texts: size and time of change of a file, else a digest of the pixels or of the embedding; and the
            value range, which decides what the encoder gets of an image.
        paths: N absolute paths, or None where the images are no files.
        source: `ImageSource`, or None where they are image files, which are opened when they are needed.
        embeddings: `Embeddings` of the N images where they have been embedded already, by the encoder of its manifest;
            or None. Neither `paths` nor `source` need then be there.
        reading: how the files are read, where they are rasters, see `data.images.ImageSource`; or None.
    """

    data: str
    names: Texts
    stamps: tuple[str, ...]
    paths: Texts | None = None
    source: ImageSource | None = None
    embeddings: Embeddings | None = None
    reading: RasterReading | None = None

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
        paths, names = self.paths[positions], self.names[positions]
        return from_files(paths, names, self.data, shown=shown, reading=self.reading)

    def pixels(self, position: int) -> np.ndarray:
        """One image, (H, W, 1 or 3) uint8.

        Raises:
            InputError: when it can no longer be read.
        """
        if self.paths is None and self.source is None:
            raise InputError(f"The images of {self.data} are no files of their own.")
        if self.source is None:
            return shown_image(self.paths[position], self.reading)
        return image_of(self.source, position)

    def size(self, position: int) -> tuple[int, int]:
        """Height and width of one image in pixels, (0, 0) where it can no longer be read."""
        if self.source is not None:
            return tuple(self.source.sizes[position].tolist())
        if self.paths is None:
            return 0, 0
        return check_at(self.paths, position, reading=self.reading).size or (0, 0)


def open_collection(data: str | os.PathLike, value_range: Sequence[float] | None = None) -> Collection:
    """The images of a source. Of a folder only the names are read, not the images.

    Args:
        data: a folder of images, or what else `data.open_source` opens; or a folder of their embeddings, as
            `byol-keras embed` writes to a .parquet.
        value_range: as for `data.open_source`: that of the encoder's run.

    Returns:
        `Collection`, of at least one image.

    Raises:
        InputError: when there is no such source, no image in it, or embeddings of images in another value range.

    Example:
        photos = bk.tasks.open_collection("photos")
    """
    text = os.fspath(data)
    folder = os.path.abspath(os.path.expanduser(text))
    if is_embeddings_folder(folder):
        return _embedded(text, read_embeddings(folder), value_range)
    if text.startswith("tfds:") or not os.path.isdir(folder) or is_shards(folder) or is_container(folder):
        source = open_source(text, value_range=value_range)
        contents = source.encoded if source.images is None else source.images
        digests = (hashlib.blake2b(content, digest_size=16).hexdigest() for content in contents)
        return Collection(text, source.names, _with_range(digests, value_range), source=source)
    if is_recordings(folder):
        source = open_source(text)
        return Collection(text, source.names, tuple(map(_stamp, source.paths)), source=source)
    names = require_images(folder, text, value_range)
    paths, reading = names.prefixed(os.path.join(folder, "")), reading_of(names, value_range)
    return Collection(text, names, _with_range(map(_stamp, paths), value_range), paths=paths, reading=reading)


def _embedded(data, embeddings, value_range):
    """A collection that is not read any more; its images are shown where they are still found below the folder."""
    names, root = tuple(embeddings.names), embeddings.manifest.source
    if not names:
        raise InputError(f"There is no image in {data}: none could be embedded.")
    made, wanted = embeddings.manifest.value_range, None if value_range is None else tuple(value_range)
    if made != wanted:
        how = "does not say that it was made with a value range" if made is None else f"is of the value range {made}"
        raise InputError(
            f"{data} {how}, this encoder's is {wanted}: give the run that it was made with, or embed the images anew."
        )
    paths = tuple(os.path.join(root, name) for name in names) if os.path.isdir(root) else None
    stamps = tuple(hashlib.blake2b(vector, digest_size=16).hexdigest() for vector in embeddings.vectors)
    reading = None if paths is None else reading_of(names, value_range)
    return Collection(data, names, stamps, paths=paths, embeddings=embeddings, reading=reading)


def _with_range(stamps, value_range):
    # As floats, which a config's numbers may or may not be.
    more = "" if value_range is None else " {} to {}".format(*map(float, value_range))
    return tuple(stamp + more for stamp in stamps)


def _stamp(path):
    try:
        status = os.stat(path)
    except OSError:
        # A link that leads nowhere: opening it will say so.
        return "missing"
    return f"{status.st_size}-{status.st_mtime_ns}"
