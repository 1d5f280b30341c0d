"""Parts and manifest of a folder of embeddings, on any file system that Beam writes to."""

import json
import uuid
from collections.abc import Callable
from typing import IO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from byol_keras.errors import InputError, first_line
from byol_keras.utils.embedding_parts import (
    EXCLUDED,
    MANIFEST,
    EmbeddingsManifest,
    check_same_work,
    excluded_table,
    is_whole,
    part_name,
    part_table,
    write_table,
)

from .saved_model_handler import EmbeddedGroup

PROVENANCE = "assets.extra/provenance.json"
DEFAULT_PARTS = 64
_BEGUN = ".begun-"  # how names of files begin that are being written


def encoder_of(model: str) -> str:
    """The fingerprint of the encoder in a SavedModel.

    Raises:
        InputError: where there is no SavedModel, one that does not say it, or one that takes no JPEG and PNG.
    """
    from ..card.provenance import value_range_in  # with TensorFlow, which what runs in workers loads by itself

    try:
        facts = json.loads(_content(FileSystems.join(model, *PROVENANCE.split("/"))))
        encoder, preprocessing = facts["encoder"]["fingerprint"], facts["preprocessing"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{model} does not say which encoder it is ({first_line(error)}). Name the version's folder of a "
            "SavedModel that this package exported, such as serving/encoder/1."
        ) from error
    squares = str(preprocessing.get("resize")).startswith("central square")
    if not squares or preprocessing["channels"] not in ("gray", "RGB") or value_range_in(facts) is not None:
        raise InputError(
            f"{model} has no `serve_bytes`, which decodes JPEG and PNG of 8 bits: its encoder takes no squares of one "
            "size, other channels, values in a range of its own, or recordings. `byol-keras embed` takes a run."
        )
    return encoder


def begin_store(out: str, encoder: str, source: str, parts: int | None) -> EmbeddingsManifest:
    """Begins a folder of embeddings, or goes on with one.

    Args:
        out: the folder.
        encoder: the fingerprint.
        source: the folder of the images.
        parts: how many there shall be; None for as many as were begun, or DEFAULT_PARTS.

    Returns:
        `EmbeddingsManifest`, as it stands in the folder.

    Raises:
        InputError: where other work was begun there, or the folder cannot be written.
    """
    path = FileSystems.join(out, MANIFEST)
    try:
        for folder in (out, FileSystems.join(out, EXCLUDED)):
            if not FileSystems.exists(folder):
                FileSystems.mkdirs(folder)
        if not FileSystems.exists(path):
            manifest = EmbeddingsManifest(encoder, source, "float32", DEFAULT_PARTS if parts is None else parts)
            store_file(path, lambda file: file.write(manifest.to_json().encode()))
            return manifest
        begun = EmbeddingsManifest.from_json(_content(path).decode())
    except (OSError, ValueError) as error:
        raise InputError(f"{out} cannot be used for embeddings: {first_line(error)}") from error
    parts = begun.parts if parts is None else parts
    check_same_work(begun, EmbeddingsManifest(encoder, source, "float32", parts), out)
    if begun.parts != parts:
        raise InputError(f"{out} was begun in {begun.parts} parts: go on with these. Received: parts={parts}")
    return begun


def is_stored(out: str, number: int) -> bool:
    """Whether a part is there, to its end."""
    path = FileSystems.join(out, part_name(number))
    if not FileSystems.exists(path):
        return False
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return is_whole(file)


def store_part(out: str, group: EmbeddedGroup) -> None:
    """Writes one part; when it is there, so is what it is without."""
    name = part_name(group.number)
    excluded = FileSystems.join(out, EXCLUDED, name)
    if group.excluded:
        store_file(excluded, lambda file: write_table(excluded_table(group.excluded), file))
    elif FileSystems.exists(excluded):
        FileSystems.delete([excluded])
    table = part_table(group.names, group.embeddings)
    store_file(FileSystems.join(out, name), lambda file: write_table(table, file))


def store_file(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file beside its place and renames it: a worker that dies leaves nothing under the final name."""
    folder, name = FileSystems.split(path)
    # Of a name that begins with a dot no reader of Parquet takes notice.
    temporary = FileSystems.join(folder, f"{_BEGUN}{uuid.uuid4().hex}-{name}")
    with FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        write(file)
    FileSystems.rename([temporary], [path])


def remove_begun(out: str) -> None:
    """Removes what workers that died left half written; one pipeline works on a folder at a time."""
    patterns = [FileSystems.join(out, f"{_BEGUN}*"), FileSystems.join(out, EXCLUDED, f"{_BEGUN}*")]
    left = [file.path for match in FileSystems.match(patterns) for file in match.metadata_list]
    if left:
        FileSystems.delete(left)


def _content(path):
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return file.read()
    except BeamIOError as error:
        raise OSError(first_line(error)) from error
