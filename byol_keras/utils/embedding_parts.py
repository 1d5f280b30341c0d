"""The form of embeddings that do not fit in memory: parts in Parquet, and a manifest of what they are of.

A folder of parts and not one file: a Parquet file can be read only once it has its end, so one that was cut short could
not be gone on with. What is no part begins with `_`: who reads the folder as one table passes over it.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import InputError
from .printable import printable

FORMAT = "byol_keras embeddings 1"
MANIFEST = "_embeddings.json"
EXCLUDED = "_excluded"  # a folder: the names and reasons of the images that a part is without
_DIGITS = 12  # of a fingerprint, in messages

EXCLUDED_SCHEMA = pa.schema([("name", pa.string()), ("reason", pa.string())])


@dataclasses.dataclass(frozen=True)
class EmbeddingsManifest:
    """What a folder of embeddings is of.

    Attributes:
        encoder: str, the `fingerprint` of the encoder.
        source: str, the absolute path or the name of the images' source. Of a folder, names are paths below it.
        precision: str, that the encoder computed in.
        parts: int, how many there are when all are finished, numbered from 0.
        images: int, of the source, those that turn out to be unreadable included; None where nobody counted them.
        class_names: the name of each label, or None.
        stamp: str that changes when a source that is one file does; else empty.
        value_range: (low, high) of the images, see `data.open_source`, or None.
    """

    encoder: str
    source: str
    precision: str
    parts: int
    images: int | None = None
    class_names: tuple[str, ...] | None = None
    stamp: str = ""
    value_range: tuple[float, float] | None = None

    def to_json(self) -> str:
        """The text of the manifest's file."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "EmbeddingsManifest":
        """The manifest in a text.

        Raises:
            ValueError: where it is another one's; says why.
        """
        fields = json.loads(text)
        if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        try:
            lists = {name: fields.pop(name, None) for name in ("class_names", "value_range")}
            return cls(**fields, **{name: None if items is None else tuple(items) for name, items in lists.items()})
        except TypeError as error:
            raise ValueError(str(error)) from error


def check_same_work(begun: EmbeddingsManifest, now: EmbeddingsManifest, folder: str | os.PathLike) -> None:
    """Checks that what was begun in a folder can be gone on with.

    Args:
        begun: as it stands in the folder.
        now: what is to be done.
        folder: for the message.

    Raises:
        InputError: where the encoder, the source, its content, the precision or the value range is another one.
    """
    if begun.encoder != now.encoder:
        reason = f"with another encoder ({begun.encoder[:_DIGITS]}, this is {now.encoder[:_DIGITS]})"
    elif begun.source != now.source:
        reason = f"of another source ({begun.source}, this is {now.source})"
    elif begun.stamp != now.stamp:
        reason = f"before {now.source} was changed"
    elif begun.precision != now.precision:
        reason = f"in another precision ({begun.precision}, this is {now.precision})"
    elif begun.value_range != now.value_range:
        reason = f"with another value range ({begun.value_range}, this is {now.value_range})"
    else:
        return
    raise InputError(f"{folder} was begun {reason}: name another folder, or delete this one.")


def part_name(number: int) -> str:
    """The file of a part, in the folder and in EXCLUDED."""
    return f"part-{number:05d}.parquet"


def part_table(names: Sequence[str], embeddings: np.ndarray, labels: np.ndarray | None = None) -> pa.Table:
    """The content of one part.

    Args:
        names: n texts.
        embeddings: (n, D) float32.
        labels: (n,) int, below 0 for none, or None.

    Returns:
        pa.Table with the columns `name` string, `embedding` list of D float32, and `label` int64, which may be null.
    """
    count, dimension = embeddings.shape
    numbers = pa.array(np.ascontiguousarray(embeddings, np.float32).ravel())
    known = pa.nulls(count, pa.int64()) if labels is None else pa.array(labels, pa.int64(), mask=labels < 0)
    columns = {
        "name": pa.array(list(names), pa.string()),
        "embedding": pa.FixedSizeListArray.from_arrays(numbers, dimension),
        "label": known,
    }
    return pa.table(columns)


def excluded_table(excluded: Sequence[tuple[str, str]]) -> pa.Table:
    """The (name, reason) of images that were excluded, as a pa.Table."""
    # A name may hold bytes that are not UTF-8, which is then why it was excluded.
    rows = [{"name": printable(name), "reason": printable(reason)} for name, reason in excluded]
    return pa.Table.from_pylist(rows, EXCLUDED_SCHEMA)


def write_table(table: pa.Table, file: str | os.PathLike | IO[bytes]) -> None:
    """Writes one file, with checksums of what is in it."""
    # No name comes twice, and hardly a number: a dictionary of them would only cost.
    pq.write_table(table, file, use_dictionary=False, write_page_checksum=True)


def is_whole(file: str | os.PathLike | IO[bytes]) -> bool:
    """Whether a part can be read to its end, which is written last; False where it is not there."""
    try:
        with pq.ParquetFile(file) as part:
            return part.schema_arrow.names == ["name", "embedding", "label"]
    except (OSError, pa.ArrowInvalid):
        return False
