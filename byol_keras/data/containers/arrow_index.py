"""Where the images lie in an Arrow file, as `save_to_disk` of Hugging Face's `datasets` writes it, and their labels."""

import mmap
import os
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import InputError, first_line
from ...utils.printable import printable
from ...utils.regular_file import open_regular
from ...utils.texts import Texts
from ..decode import reason_of
from .label_column import LABEL, class_labels, has_labels
from .parquet_index import image_column, unique_names
from .row_groups import NO_BYTES

_END = b"\xff\xff\xff\xff\0\0\0\0"  # of a stream


class ArrowIndex(NamedTuple):
    """N images in a file, in its order.

    Attributes:
        names: N texts: the path that stands beside the image, or the number of the row where not every row has one of
            its own.
        starts, lengths: (N,) int64, where the bytes of each lie.
        labels: (N,) int64, -1 where there is none.
        texts: what the labels are indices to, where the column holds texts; or None.
        broken: (name, reason) of rows without an image; with the name "" of the file, where it is damaged. What lies
            before the damage is in the index.
    """

    names: Texts
    starts: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    texts: tuple[str, ...] | None
    broken: tuple[tuple[str, str], ...]


def index_arrow(path: str | os.PathLike) -> ArrowIndex:
    """Reads all of a file but its images: in Arrow these lie as they are, so that they can be read from the file.

    Args:
        path: of a file in Arrow's stream format, with columns as `index_parquet` takes them.

    Returns:
        ArrowIndex.

    Raises:
        InputError: for a file without such columns, or one that is compressed.
    """
    rows, broken = [], []
    try:
        with open_regular(path) as file:
            if not os.fstat(file.fileno()).st_size:
                raise ValueError("the file is empty")
            content = pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        with pa.ipc.open_stream(content) as stream:
            column, has_path = image_column(stream.schema, path)
            has_label = has_labels(stream.schema, path)
            for batch in stream:
                rows.append(_row_batch(batch, column, has_path, has_label, content, path))
        if content.slice(content.size - len(_END)).to_pybytes() != _END:
            raise ValueError("cut off: its end is missing")
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = reason_of(error) if getattr(error, "strerror", None) else printable(first_line(error))
        count = sum(len(row.starts) for row in rows)
        broken.append(("", f"{reason}; the {count:,} images before that can be used" if count else reason))
    if not rows:
        empty = np.zeros(0, np.int64)
        return ArrowIndex(Texts.of(()), empty, empty, empty, None, tuple(broken))
    starts, lengths = (np.concatenate(parts) for parts in list(zip(*rows, strict=True))[:2])
    labels, texts = class_labels(pa.chunked_array([row.labels for row in rows]), path)
    names = unique_names(pa.chunked_array([row.paths for row in rows]))
    names = Texts.of(map(str, range(len(starts)))) if names is None else names
    is_there = starts >= 0
    broken += [(names[row], NO_BYTES) for row in np.flatnonzero(~is_there)]
    return ArrowIndex(names[is_there], starts[is_there], lengths[is_there], labels[is_there], texts, tuple(broken))


class _Rows(NamedTuple):
    """Of the rows of one batch; `starts` is -1 where there is no image."""

    starts: np.ndarray
    lengths: np.ndarray
    labels: pa.Array
    paths: pa.Array


def _row_batch(batch, column, has_path, has_label, content, path):
    images = batch.column(column.partition(".")[0])
    binary = images.field("bytes") if "." in column else images
    _, offsets, data = binary.buffers()
    kind = np.int64 if pa.types.is_large_binary(binary.type) else np.int32
    offsets = np.frombuffer(offsets, kind)[binary.offset :][: len(binary) + 1].astype(np.int64)
    lengths = np.diff(offsets)
    begins, size = (content.address, 0) if data is None else (data.address, data.size)
    if len(binary) and ((lengths < 0).any() or offsets[0] < 0 or offsets[-1] > size):
        raise ValueError("damaged: images that reach over its end")
    if not content.address <= begins <= begins + size <= content.address + content.size:
        raise InputError(f"{path} is compressed, so that no image can be read by itself: save it without compression")
    starts = np.where(_is_there(images, binary), begins - content.address + offsets[:-1], -1)
    labels = batch.column(LABEL) if has_label else pa.nulls(len(binary))
    paths = pc.struct_field(images, "path") if has_path else pa.nulls(len(binary), pa.string())
    return _Rows(starts, lengths, _own(labels), _own(paths))


def _own(array):
    """A copy of what lies in a file, which is not to stay mapped; an error of Arrow's where it is damaged."""
    if pa.types.is_dictionary(array.type):  # each batch may have a dictionary of its own
        array = array.cast(array.type.value_type)
    array.validate(full=True)
    return pa.concat_arrays([array, pa.array([], array.type)])


def _is_there(images, binary):
    return pc.and_(images.is_valid(), binary.is_valid()).to_numpy(zero_copy_only=False)
