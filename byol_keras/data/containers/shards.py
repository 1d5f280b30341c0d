"""A folder of ArrayRecord shards as a source."""

import dataclasses
import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from ...errors import InputError, first_line
from ...utils.checksum import sha256_of
from ...utils.progress import progress
from ...utils.texts import Texts
from ..broken import list_broken
from ..encoded import EncodedImages
from ..images import ImageSource
from ..validate import MEMORY_BUDGET, check_each
from .shard_index import ShardIndex, read_shard_index, shard_index_path
from .shard_manifest import ShardFile, ShardsManifest, read_finished_shards

# Shards that are open at one time: systems allow a process about a thousand files.
OPEN_SHARDS = 256
# Without reading ahead, which random access has no use for, and with a small buffer for each open shard.
_RANDOM_ACCESS = "readahead_buffer_size:0,max_parallelism:0"
_BUFFER_BYTES = 2**15


def array_record() -> ModuleType:
    """The module that reads and writes ArrayRecord files.

    Raises:
        InputError: where it is not installed.
    """
    try:
        return importlib.import_module("array_record.python.array_record_module")
    except ImportError as error:
        raise InputError(
            "Shards need the package array_record, which Windows does not have; elsewhere: pip install array_record"
        ) from error


class ShardImages(EncodedImages):
    """The records of ArrayRecord files, one after the other; each record is an encoded image.

    Args:
        shards: paths of K files.
        records: (K,) int, how many each holds.
    """

    def __init__(self, shards: Sequence[str | os.PathLike], records: Sequence[int]):
        self._shards, self._ends = [os.fspath(shard) for shard in shards], np.cumsum(records)
        self._module, self._readers, self._lock = array_record(), OrderedDict(), threading.Lock()

    def __len__(self) -> int:
        return int(self._ends[-1])

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        indices = np.asarray(indices, np.int64)
        shards = np.searchsorted(self._ends, indices, side="right")
        taken = [b""] * len(indices)
        for shard in np.unique(shards).tolist():
            places = np.flatnonzero(shards == shard)
            first = self._ends[shard - 1] if shard else 0
            contents = self._read(shard, (indices[places] - first).tolist())
            for place, content in zip(places.tolist(), contents, strict=True):
                taken[place] = content
        return taken

    def _read(self, shard, positions):
        try:
            # One reader is for all threads, and lets Python go on while it reads.
            return self._reader(shard).read(positions)
        except Exception as error:  # It raises one type or another by what is wrong with the file.
            raise InputError(f"Shard {self._shards[shard]} cannot be read: {_reason(error)}") from error

    def _reader(self, shard):
        with self._lock:
            reader = self._readers.pop(shard, None)
            if reader is None:
                path = self._shards[shard]
                os.stat(path)  # of a file that has gone the reader says nothing
                reader = self._module.ArrayRecordReader(path, _RANDOM_ACCESS, file_reader_buffer_size=_BUFFER_BYTES)
            self._readers[shard] = reader
            if len(self._readers) > OPEN_SHARDS:
                self._readers.popitem(last=False)  # Closed when the last thread that reads it is done.
            return reader


def from_shards(folder: str | os.PathLike, memory_budget: int = MEMORY_BUDGET) -> ImageSource:
    """The images of a folder that `write_shards` wrote, in their order.

    Sizes and formats stand in the index, so no image is decoded, unless all have one size and fit: then they are
    decoded once and held, as those of a folder are, and training draws the crops it would draw from there. That the
    files have the sizes of the manifest is checked here, their checksums by `verify_shards`.

    Args:
        folder: path.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource with `encoded`, or with `images`, RGB; `broken` as it was when the shards were written.

    Raises:
        InputError: where a file is missing, has another size, or is none of these.
    """
    folder = Path(folder)
    manifest = read_finished_shards(folder)
    source = _encoded_source(folder, manifest)
    height, width = source.sizes[0].tolist()
    # By the rule of `check_each`, which counts what turns out to be broken.
    held_bytes = 3 * height * width * (len(source) + len(source.broken))
    if held_bytes > memory_budget or (source.sizes != source.sizes[0]).any():
        return source
    checked = check_each(source.encoded, source.names, folder, memory_budget)
    if checked.broken:
        raise InputError(
            f"{folder}: {len(checked.broken):,} of {len(source):,} images cannot be decoded any more: "
            f"{list_broken(checked.broken)}. Write the shards again."
        )
    if checked.images is None:  # the memory there is did not suffice
        return source
    held = checked.source(source.names, labels=source.labels, class_names=source.class_names)
    return dataclasses.replace(held, broken=source.broken)


def verify_shards(folder: str | os.PathLike) -> int:
    """Reads all shards of a folder and compares their checksums with the manifest.

    Args:
        folder: path.

    Returns:
        How many images they hold.

    Raises:
        InputError: naming the first file that is not as it was written.

    Example:
        bk.data.verify_shards("shards")
    """
    folder = Path(folder)
    manifest = read_finished_shards(folder)
    for shard in progress(manifest.shards, len(manifest.shards), f"Verifying {folder}"):
        _index(folder, shard)
        path = folder / shard.file
        try:
            digest = sha256_of(path)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {_reason(error)}. Write the shards again.") from error
        if digest != shard.sha256:
            raise InputError(f"{path} is not as it was written, by its checksum: write the shards again.")
    return manifest.images


def _index(folder: Path, shard: ShardFile) -> ShardIndex:
    """The index of a shard, when both are there as the manifest has them, but for the content of the shard."""
    path = folder / shard.file
    for file, size in ((path, shard.bytes), (shard_index_path(path), shard.index_bytes)):
        try:
            found = os.stat(file).st_size
        except OSError as error:
            raise InputError(f"{file}, of the shards' manifest: {_reason(error)}. Write the shards again.") from error
        if found != size:
            raise InputError(f"{file} has {found:,} bytes and had {size:,} when written: write the shards again.")
    index = read_shard_index(path, shard.index_sha256)
    if len(index) != shard.records or index.sha256 != shard.sha256:
        raise InputError(f"{shard_index_path(path)} is the index of another shard: write the shards again.")
    return index


def _encoded_source(folder: Path, manifest: ShardsManifest) -> ImageSource:
    """The images of all shards, encoded."""
    shape = (manifest.images,)
    sizes, jpeg, orientations = np.empty((*shape, 2), np.int32), np.empty(shape, bool), np.empty(shape, np.int32)
    labels, starts, ends = np.empty(shape, np.int64), np.empty(shape, np.int64), np.empty(shape, np.int64)
    # One index after the other, so that beside these arrays there is never more than one.
    names, begin, is_labeled = bytearray(), 0, True
    gray, is_known = np.zeros(shape, bool), True
    for shard in manifest.shards:
        index, rows = _index(folder, shard), slice(begin, begin + shard.records)
        sizes[rows], jpeg[rows], orientations[rows] = index.sizes, index.jpeg, index.orientations
        starts[rows], ends[rows] = index.names.starts + len(names), index.names.ends + len(names)
        names += index.names.buffer
        is_labeled &= index.labels is not None
        is_known &= index.gray is not None
        gray[rows] = False if index.gray is None else index.gray
        labels[rows] = -1 if index.labels is None else index.labels
        begin += shard.records
    return ImageSource(
        names=Texts(bytes(names), starts, ends),
        sizes=sizes,
        labels=labels if is_labeled else None,
        class_names=manifest.class_names if is_labeled else None,
        encoded=ShardImages(
            [folder / shard.file for shard in manifest.shards], [shard.records for shard in manifest.shards]
        ),
        jpeg=jpeg,
        orientations=orientations,
        gray=gray if is_known else None,
        broken=manifest.excluded,
    )


def _reason(error):
    return error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
