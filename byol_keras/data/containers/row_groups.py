"""Encoded images in a column of Parquet files, of which a row group is read at a time."""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...errors import InputError, first_line
from ...utils.memory import MemoryBudget
from ...utils.regular_file import open_regular
from ..encoded import ContainedImages
from .file_slices import file_stamp, require_same_file

# Of row groups that stay in memory, beside those that are being read, which are as much again: bytes.
HELD_BYTES = 2**30
NO_BYTES = "no bytes, only the path of a file or nothing: save the data set with its images in it"


class RowGroupImages(ContainedImages):
    """N encoded images, row by row of some Parquet files.

    Nothing smaller than a row group can be read of such a file, so the last ones that were read are held. In the order
    of the files each is read once; at random, nearly each image is a group to read, unless all of them are held.

    Args:
        files: F paths of files, which must not be changed from now on.
        columns: F texts, the path of each file's column with the images, such as `image.bytes`.
        metadata: of each file.

    Raises:
        OSError: where one of the files is not there.
    """

    def __init__(self, files: Sequence[str], columns: Sequence[str], metadata: Sequence[pq.FileMetaData]):
        super().__init__(files, np.repeat(np.arange(len(files), dtype=np.int32), [part.num_rows for part in metadata]))
        self._columns, self._metadata = columns, metadata
        self._stamps = [file_stamp(path) for path in self.files]
        # Of each row group: its file, its number there, and the image after its last.
        self._groups = [(file, group) for file, part in enumerate(metadata) for group in range(part.num_row_groups)]
        self._ends = np.cumsum([metadata[file].row_group(group).num_rows for file, group in self._groups])
        self._held, self._bytes, self._lock = OrderedDict(), 0, threading.Lock()
        self._reading = MemoryBudget(HELD_BYTES)

    def take(self, indices: Sequence[int] | np.ndarray) -> list[bytes]:
        return [self._image(int(index)) for index in indices]

    def _image(self, index):
        number = int(np.searchsorted(self._ends, index, side="right"))
        images = self._group(number)
        content = images[index - int(self._ends[number])].as_py()  # counted from the end
        if content is None:
            raise InputError(NO_BYTES)
        return content

    def _group(self, number):
        with self._lock:
            group = self._held.setdefault(number, _Group())
            self._held.move_to_end(number)
        with group.lock:  # Who wants the same one waits for it; the others do not.
            if group.images is None:
                if group.error is not None:
                    raise InputError(str(group.error))
                try:
                    group.images = self._read(number)
                except InputError as error:
                    group.error = error
                    raise
                with self._lock:
                    self._make_room(group)
            return group.images

    def _make_room(self, read):
        read.bytes = read.images.nbytes
        self._bytes += read.bytes
        for number, group in list(self._held.items()):
            if self._bytes <= HELD_BYTES:
                break
            if group is not read and group.bytes:
                self._bytes -= self._held.pop(number).bytes

    def _read(self, number):
        file, group = self._groups[number]
        path, column, metadata = self.files[file], self._columns[file], self._metadata[file]
        with open_regular(path) as opened, self._reading.take(group_bytes(metadata, group, column)):
            require_same_file(path, self._stamps[file], os.fstat(opened.fileno()))
            try:
                with pq.ParquetFile(opened, metadata=metadata, page_checksum_verification=True) as parquet:
                    images = parquet.read_row_group(group, columns=[column]).column(0)
                if pa.types.is_struct(images.type):
                    images = pc.struct_field(images, "bytes")
            except (pa.ArrowException, OSError) as error:
                if getattr(error, "errno", None):  # of the disk, which may be gone the next time
                    raise
                raise InputError(
                    f"row group {group} of {os.path.basename(path)} cannot be read: {first_line(error)}"
                ) from error
            if len(images) != metadata.row_group(group).num_rows:
                raise InputError(f"row group {group} of {os.path.basename(path)} has not all of its rows")
            return images


class _Group:
    """A row group that is held or being read."""

    def __init__(self):
        self.lock, self.images, self.error, self.bytes = threading.Lock(), None, None, 0


def group_bytes(metadata: pq.FileMetaData, group: int, column: str) -> int:
    """The bytes of a column of a row group when it has been read."""
    parts = metadata.row_group(group)
    parts = [parts.column(number) for number in range(parts.num_columns)]
    return sum(part.total_uncompressed_size for part in parts if part.path_in_schema == column)
