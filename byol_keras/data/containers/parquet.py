"""Parquet files with a column of images, as Hugging Face's data sets have them, as a source."""

import os
from collections.abc import Sequence

from ...errors import InputError
from ...utils.memory import amount
from ...utils.progress import print_beside, progress
from ..images import ImageSource
from ..validate import MEMORY_BUDGET
from .joined import joined_source
from .label_column import numbered_together
from .parquet_index import index_parquet
from .row_groups import HELD_BYTES, RowGroupImages, group_bytes


def from_parquet(
    files: Sequence[str], root: str, where: str | os.PathLike, memory_budget: int = MEMORY_BUDGET
) -> ImageSource:
    """The images in the column `image` of some Parquet files, labeled by the column `label` where they have one.

    Names and labels are read here, and the images, a row group at a time, when they are asked for; what is read last is
    held, up to HELD_BYTES. See `index_parquet` for what the columns have to be. What was read of a larger data set at
    random is read again for nearly every image, and a line on stderr says so.

    Args:
        files: absolute paths.
        root: absolute path of the file, or of the folder that all of them are in.
        where: text that names them all.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource, see `joined_source`.

    Raises:
        InputError: for what `index_parquet` and `joined_source` refuse, or for files with other classes than each
            other.
    """
    parts = [index_parquet(path) for path in progress(files, len(files), f"Reading the labels of {where}")]
    parts, texts = numbered_together(parts, where)
    whole = [(path, part) for path, part in zip(files, parts, strict=True) if part.metadata is not None]
    class_names = {part.class_names for _, part in whole}
    if len(class_names) > 1:
        raise InputError(f"{where}: its files do not have the same names of classes: give those that do.")

    def images():
        return RowGroupImages(
            [path for path, _ in whole], [part.column for _, part in whole], [part.metadata for _, part in whole]
        )

    source = joined_source(files, parts, images, root, where, memory_budget, texts or next(iter(class_names), None))
    sizes = [
        group_bytes(part.metadata, group, part.column)
        for _, part in whole
        for group in range(part.metadata.num_row_groups)
    ]
    if source.images is None and sum(sizes) > HELD_BYTES:
        print_beside(
            f"{where}: {amount(sum(sizes))} in row groups of {max(sizes) / 2**20:,.0f} MiB or less, of which "
            f"{amount(HELD_BYTES)} are held. Embedding reads each once; training reads one for nearly every image: "
            "to train, write the images out as a folder, as tars, or with save_to_disk of Hugging Face's datasets."
        )
    return source
