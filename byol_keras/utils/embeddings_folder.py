"""A folder of embeddings on a disk: begun, written part by part, gone on with, and read."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError, first_line
from .atomic import atomic_path, remove_file, write_files
from .embedding_parts import (
    EXCLUDED,
    MANIFEST,
    EmbeddingsManifest,
    check_same_work,
    excluded_table,
    is_whole,
    part_name,
    write_table,
)

NAMES = "_names.parquet"  # all names there were in the beginning, in the order of the parts


class Embeddings(NamedTuple):
    """What a folder of embeddings holds.

    Attributes:
        manifest: `EmbeddingsManifest`.
        names: N texts.
        vectors: (N, D) float32.
        labels: (N,) int64, or None where not every image has one.
    """

    manifest: EmbeddingsManifest
    names: list[str]
    vectors: np.ndarray
    labels: np.ndarray | None


def is_embeddings_folder(path: str | os.PathLike) -> bool:
    """Whether a path is a folder of embeddings, finished or not."""
    return Path(path, MANIFEST).is_file()


def begin_embeddings(
    folder: str | os.PathLike, manifest: EmbeddingsManifest, names: Sequence[str]
) -> tuple[EmbeddingsManifest, Sequence[str]]:
    """Begins a folder of embeddings, or goes on with one.

    Args:
        folder: which is there.
        manifest: what is to be done.
        names: the names of all images.

    Returns:
        The manifest and the names of the beginning, which are those given where nothing had been begun.

    Raises:
        InputError: where something else was begun there, or other files lie there.
    """
    folder = Path(folder)
    if is_embeddings_folder(folder):
        begun = read_manifest(folder)
        check_same_work(begun, manifest, folder)
        column = _read(folder / NAMES)["name"]
        return begun, names if column.equals(_column(names)) else column.to_pylist()
    others = sorted(path.name for path in folder.iterdir() if not path.name.startswith(("_", ".")))
    if others:
        raise InputError(f"{folder} holds other files ({others[0]}): name a folder that is not there yet, or empty.")
    with atomic_path(folder / NAMES) as path:
        write_table(pa.table({"name": _column(names)}), path)
    # After it, so that a folder with a manifest has been begun.
    write_files({folder / MANIFEST: manifest.to_json().encode()})
    return manifest, names


def read_manifest(folder: str | os.PathLike) -> EmbeddingsManifest:
    """What a folder of embeddings is of.

    Raises:
        InputError: where it is none, or its manifest is damaged.
    """
    path = Path(folder, MANIFEST)
    try:
        return EmbeddingsManifest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"No embeddings in {folder}: it has no {MANIFEST}.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {first_line(error)}. Begin another folder.") from error


def unfinished_parts(folder: str | os.PathLike, manifest: EmbeddingsManifest) -> list[int]:
    """The numbers of the parts that are not there, or were cut short."""
    return [number for number in range(manifest.parts) if not is_whole(Path(folder, part_name(number)))]


def write_part(
    folder: str | os.PathLike, number: int, table: pa.Table, excluded: Sequence[tuple[str, str]] = ()
) -> None:
    """Writes one part; when it is there, so is what it is without.

    Args:
        folder: of the embeddings.
        number: int, of the part.
        table: from `part_table`.
        excluded: (name, reason) of the images that could not be embedded.

    Raises:
        InputError: when the disk does not take it.
    """
    write_excluded(folder, part_name(number), excluded)
    with atomic_path(Path(folder, part_name(number))) as path:
        write_table(table, path)


def write_excluded(folder: str | os.PathLike, name: str, excluded: Sequence[tuple[str, str]]) -> None:
    """Writes which images were excluded to a file of EXCLUDED, over an older one; without any there is none."""
    path = Path(folder, EXCLUDED, name)
    if not excluded:
        remove_file(path)
        return
    with atomic_path(path) as part:
        write_table(excluded_table(excluded), part)


def read_excluded(folder: str | os.PathLike) -> list[tuple[str, str]]:
    """The (name, reason) of every image that is not in the parts, sorted."""
    rows = (row for path in Path(folder, EXCLUDED).glob("*.parquet") for row in _read(path).to_pylist())
    return sorted({(row["name"], row["reason"]) for row in rows})


def read_embeddings(folder: str | os.PathLike) -> Embeddings:
    """All embeddings in a folder.

    Args:
        folder: that `byol-keras embed` or `python -m byol_keras.export.beam` finished.

    Returns:
        `Embeddings`, in memory.

    Raises:
        InputError: where there are none, parts are missing, or one is damaged.
    """
    manifest = read_manifest(folder)
    missing = unfinished_parts(folder, manifest)
    if missing:
        raise InputError(
            f"{folder} is not finished: {len(missing):,} of {manifest.parts:,} parts are missing, the first "
            f"{part_name(missing[0])}. Run the command that began it once more."
        )
    paths = [Path(folder, part_name(number)) for number in range(manifest.parts)]
    schemas = [pq.read_schema(path) for path in paths]
    widths = {schema.field("embedding").type.list_size for schema in schemas}
    if len(widths) != 1:
        raise InputError(f"The parts in {folder} are of several widths: {sorted(widths)}. Make them anew.")
    counts = [pq.read_metadata(path).num_rows for path in paths]
    # Filled part by part: joined at the end, they would need twice their memory.
    vectors, names, labels, row = np.empty((sum(counts), *widths), np.float32), [], [], 0
    for path, count in zip(paths, counts, strict=True):
        table = _read(path)
        names += table["name"].to_pylist()
        labels.append(table["label"])
        numbers = table["embedding"].combine_chunks().flatten()
        vectors[row : row + count] = numbers.to_numpy().reshape(count, *widths)
        row += count
    known = all(column.null_count == 0 for column in labels)
    return Embeddings(
        manifest, names, vectors, np.concatenate([column.to_numpy() for column in labels]) if known else None
    )


def _column(names):
    # Some at a time: as Python's texts all of them would take several times the memory.
    pieces = [pa.array(list(names[start : start + 10_000]), pa.string()) for start in range(0, len(names), 10_000)]
    return pa.chunked_array(pieces, pa.string())


def _read(path):
    try:
        return pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{path} cannot be read: {first_line(error)}. Delete it, and run the command that made it once more."
        ) from error
