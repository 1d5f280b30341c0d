"""What is known of the images in one shard: an .npz beside it, so that opening shards reads no image."""

import dataclasses
import hashlib
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...errors import InputError, first_line
from ...utils.atomic import atomic_path
from ...utils.texts import Texts
from ..images import ImageSource
from ..orientation import UPRIGHT


@dataclasses.dataclass(frozen=True, eq=False)
class ShardIndex:
    """n images in the order of a shard.

    Attributes:
        names: n texts.
        labels: (n,) int64, or None.
        sizes: (n, 2) int32, height and width of the upright image in pixels.
        jpeg: (n,) bool, see `ImageSource`.
        orientations: (n,) int32, see `ImageSource`.
        lengths: (n,) int64, bytes of each encoded image.
        sha256: of the shard's file, hexadecimal.
        gray: (n,) bool, see `ImageSource`; None in the index of an earlier version.
    """

    names: Texts
    labels: np.ndarray | None
    sizes: np.ndarray
    jpeg: np.ndarray
    orientations: np.ndarray
    lengths: np.ndarray
    sha256: str
    gray: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, source: ImageSource, lengths: np.ndarray, sha256: str) -> "ShardIndex":
        """The index of a shard in which the images of `source` lie."""
        is_encoded, count = source.paths is not None or source.encoded is not None, len(source)
        return cls(
            # By way of its texts, which takes in a prefix.
            names=Texts.of(iter(source.names)),
            labels=source.labels,
            sizes=source.sizes,
            # Of pixels, which are stored as PNG and upright.
            jpeg=source.jpeg if is_encoded else np.zeros(count, bool),
            orientations=source.orientations if is_encoded else np.full(count, UPRIGHT, np.int32),
            lengths=lengths,
            sha256=sha256,
            gray=source.gray if is_encoded else np.full(count, source.channels == 1),
        )

    def is_of(self, source: ImageSource) -> bool:
        """Whether these are the images of `source`, as far as that is known without reading them."""
        other = ShardIndex.of(source, self.lengths, self.sha256)
        if self.names != other.names or (self.labels is None) != (other.labels is None):
            return False
        fields = ("sizes", "jpeg", "orientations", *(() if self.labels is None else ("labels",)))
        return all(np.array_equal(getattr(self, field), getattr(other, field)) for field in fields)


def shard_index_path(shard: str | os.PathLike) -> Path:
    """Where the index of a shard stands: `images-00000.npz` beside `images-00000.array_record`."""
    return Path(shard).with_suffix(".npz")


def write_shard_index(shard: str | os.PathLike, index: ShardIndex) -> None:
    """Writes the index of a shard beside it; the same index gives the same file."""
    arrays = {
        "names": np.frombuffer(index.names.buffer, np.uint8),
        "name_ends": index.names.ends,
        "sizes": index.sizes,
        "jpeg": index.jpeg,
        "orientations": index.orientations,
        "lengths": index.lengths,
        "sha256": np.array(index.sha256),
    }
    for name in ("labels", "gray"):
        if (values := getattr(index, name)) is not None:
            arrays[name] = values
    with atomic_path(shard_index_path(shard)) as part:
        np.savez(part, **arrays)


def read_shard_index(shard: str | os.PathLike, sha256: str | None = None) -> ShardIndex:
    """Reads the index of a shard.

    Args:
        shard: path of the shard.
        sha256: what that of the index must be, hexadecimal; None for any.

    Returns:
        ShardIndex.

    Raises:
        InputError: where there is none, it has another checksum, or it is no index.
    """
    path = shard_index_path(shard)
    try:
        with open(path, "rb") as file:
            if sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise InputError(f"{path} is not as it was written, by its checksum: write the shards again.")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                return _checked({name: arrays[name] for name in arrays})
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise InputError(f"{path} cannot be read as the index of a shard: {reason}. Write the shards again.") from error


def _checked(arrays):
    ends, buffer = arrays.pop("name_ends"), arrays.pop("names").tobytes()
    bounds = np.concatenate([[0], ends, [len(buffer)]])
    if bounds[-2] != bounds[-1] or (np.diff(bounds) < 0).any():
        raise ValueError("its names do not fill their buffer")
    sha256 = str(arrays.pop("sha256"))
    index = ShardIndex(Texts(buffer, bounds[:-2], ends), arrays.pop("labels", None), sha256=sha256, **arrays)
    if any(len(values) != len(ends) for values in (*arrays.values(), ends if index.labels is None else index.labels)):
        raise ValueError("its arrays have several lengths")
    return index
