"""What a Parquet file of images holds beside the images: names, labels and the names of classes."""

import os
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...errors import InputError, first_line
from ...utils.memory import amount
from ...utils.printable import printable
from ...utils.regular_file import open_regular
from ...utils.texts import Texts
from ..decode import reason_of
from .label_column import LABEL, class_labels, class_names_of_features, has_labels
from .row_groups import HELD_BYTES, group_bytes

IMAGE = "image"  # the column


class ParquetIndex(NamedTuple):
    """N rows of one file.

    Attributes:
        names: N texts: the path that stands beside the image, or the number of the row where not every row has one of
            its own.
        labels: (N,) int64, -1 where there is none.
        texts: what the labels are indices to, where the column holds texts; or None.
        class_names: the name of each label that is a number, or None.
        broken: ("", reason) where the file cannot be read; N is 0 then.
        column: the path of the column with the images.
        metadata: of the file, or None.
    """

    names: Texts
    labels: np.ndarray
    texts: tuple[str, ...] | None
    class_names: tuple[str, ...] | None
    broken: tuple[tuple[str, str], ...]
    column: str = ""
    metadata: pq.FileMetaData | None = None


def index_parquet(path: str | os.PathLike) -> ParquetIndex:
    """Reads what a file holds beside the images.

    Args:
        path: of a file with a column `image`, binary or a struct with `bytes` and perhaps `path`, as Hugging Face's
            `datasets` writes it; and perhaps a column `label`, as `class_labels` takes it.

    Returns:
        ParquetIndex.

    Raises:
        InputError: where it can be read and has no such column, two columns `label`, a label that is too high, or a row
            group that is too large to be held.
    """
    try:
        with open_regular(path) as opened, pq.ParquetFile(opened) as file:
            column, has_path = image_column(file.schema_arrow, path)
            _require_small_groups(file.metadata, column, path)
            texts = file.read(columns=[f"{IMAGE}.path"]).column(0) if has_path else None
            count = file.metadata.num_rows
            labels, label_texts = np.full(count, -1), None
            if has_labels(file.schema_arrow, path):
                labels, label_texts = class_labels(file.read(columns=[LABEL]).column(LABEL), path)
            names = None if texts is None else unique_names(pc.struct_field(texts, "path"))
            return ParquetIndex(
                Texts.of(map(str, range(count))) if names is None else names,
                labels,
                label_texts,
                class_names_of_features(file.schema_arrow.metadata),
                (),
                column,
                file.metadata,
            )
    except (pa.ArrowException, OSError) as error:
        reason = reason_of(error) if getattr(error, "strerror", None) else printable(first_line(error))
        return ParquetIndex(Texts.of(()), np.zeros(0, np.int64), None, None, (("", reason),))


def is_binary(type: pa.DataType) -> bool:
    """Whether the values of an Arrow type are bytes."""
    return pa.types.is_binary(type) or pa.types.is_large_binary(type)


def image_column(schema: pa.Schema, path: str | os.PathLike) -> tuple[str, bool]:
    """The path of the column with the bytes of images, and whether it has a path beside them.

    Args:
        schema: of a file.
        path: of the file, for the message.

    Raises:
        InputError: where there is no such column.
    """
    type = schema.field(IMAGE).type if schema.names.count(IMAGE) == 1 else None
    if type is not None and is_binary(type):
        return IMAGE, False
    fields = {field.name: field.type for field in type} if type is not None and pa.types.is_struct(type) else {}
    if is_binary(fields.get("bytes", pa.null())):
        return f"{IMAGE}.bytes", pa.types.is_string(fields.get("path", pa.null()))
    columns = ", ".join(f"{field.name} ({field.type})" for field in list(schema)[:10])
    raise InputError(
        f"{path} has no column {IMAGE} of bytes, or of structs with bytes: rename it, or write the images out as a "
        f"folder. Received: {printable(columns)}"
    )


def unique_names(paths: pa.ChunkedArray) -> Texts | None:
    """N paths as texts, or None where not each row has one of its own."""
    if paths.null_count or pc.count_distinct(paths).as_py() < len(paths):
        return None
    return Texts.of(text for chunk in paths.iterchunks() for text in chunk.to_pylist())


def _require_small_groups(metadata, column, path):
    for group in range(metadata.num_row_groups):
        if (needed := group_bytes(metadata, group, column)) > HELD_BYTES:
            raise InputError(
                f"{path}: its row group {group} has {amount(needed)} of images, and cannot be read but as a whole: "
                "write the file with groups of 100 rows, as pyarrow.parquet.write_table(table, path, "
                "row_group_size=100) does"
            )
