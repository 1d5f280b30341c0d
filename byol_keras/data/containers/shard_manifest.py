"""manifest.json: what makes a folder one of shards, with the size and the checksum of every file."""

import dataclasses
import json
import os
import re
from pathlib import Path

from ...errors import InputError, first_line
from ...utils.atomic import atomic_path
from ...utils.text_file import read_text_file

FORMAT = "byol_keras shards 1"
MANIFEST = "manifest.json"
_ANEW = "delete the folder and write them again"
_SHARD = re.compile(r"images-\d{5,}\.array_record")


@dataclasses.dataclass(frozen=True)
class ShardFile:
    """One shard: its file's name, how many images it holds, and size in bytes and SHA-256 of it and of its index."""

    file: str
    records: int
    bytes: int
    sha256: str
    index_bytes: int
    index_sha256: str


@dataclasses.dataclass(frozen=True)
class ShardsManifest:
    """A set of shards.

    Attributes:
        source: str, the absolute path or the name of the source that the images come from.
        stamp: str that changes when a source that is one file does; else empty.
        shard_bytes: int, a shard ends with the image that reaches it.
        shards: in the order of the images; none where the set is not finished.
        class_names: the name of each label, or None.
        excluded: (name, reason) of each image that could not be decoded and is in no shard.
    """

    source: str
    stamp: str
    shard_bytes: int
    shards: tuple[ShardFile, ...] = ()
    class_names: tuple[str, ...] | None = None
    excluded: tuple[tuple[str, str], ...] = ()

    @property
    def images(self) -> int:
        """How many there are in all shards."""
        return sum(shard.records for shard in self.shards)


def shard_name(number: int) -> str:
    """The file of a shard, by its number from 0 on."""
    return f"images-{number:05}.array_record"


def is_shard_name(name: str) -> bool:
    """Whether a file would be a shard."""
    return _SHARD.fullmatch(name) is not None


def is_shards(folder: str | os.PathLike) -> bool:
    """Whether a folder is one of shards, whole or not; a manifest.json of something else does not make it one."""
    folder = Path(folder)
    if (folder / shard_name(0)).is_file():
        return True
    try:
        return _fields(folder).get("format") == FORMAT
    except InputError:
        return False


def write_shards_manifest(folder: str | os.PathLike, manifest: ShardsManifest) -> None:
    """Writes manifest.json, over an older one."""
    content = {"format": FORMAT, "images": manifest.images, **dataclasses.asdict(manifest)}
    with atomic_path(Path(folder, MANIFEST)) as part:
        # In ASCII, which holds names that are not UTF-8 as well.
        part.write_text(json.dumps(content, indent=1) + "\n")


def read_shards_manifest(folder: str | os.PathLike) -> ShardsManifest:
    """Reads manifest.json.

    Raises:
        InputError: where there is none, or it cannot be read as one.
    """
    path = Path(folder, MANIFEST)
    if not path.is_file():
        raise InputError(f"{folder} holds shards without their {MANIFEST}: copy it too, or {_ANEW}.")
    fields = _fields(Path(folder))
    if fields.get("format") != FORMAT:
        raise InputError(f"{path} is not a manifest that this version reads. Received: format={fields.get('format')!r}")
    try:
        names = fields["class_names"]
        manifest = ShardsManifest(
            source=str(fields["source"]),
            stamp=str(fields["stamp"]),
            shard_bytes=int(fields["shard_bytes"]),
            shards=tuple(ShardFile(**shard) for shard in fields["shards"]),
            class_names=None if names is None else tuple(map(str, names)),
            excluded=tuple((str(name), str(reason)) for name, reason in fields["excluded"]),
        )
        for shard in manifest.shards:
            # Of files in this folder, and of none elsewhere.
            if not is_shard_name(shard.file) or min(shard.records, shard.bytes, shard.index_bytes) < 1:
                raise ValueError(f"{shard.file!r} is no shard")
        return manifest
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_finished_shards(folder: str | os.PathLike) -> ShardsManifest:
    """As `read_shards_manifest`, of shards that are all there.

    Raises:
        InputError: as well where they are not.
    """
    manifest = read_shards_manifest(folder)
    if not manifest.shards:
        raise InputError(f"The shards in {folder} are not finished: run the command that began them once more.")
    return manifest


def _fields(folder):
    path = folder / MANIFEST
    try:
        fields = json.loads(read_text_file(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise _unreadable(path, error) from error
    return fields if isinstance(fields, dict) else {}


def _unreadable(path, error):
    return InputError(
        f"{path} cannot be read as the manifest of shards: {first_line(error)}. Copy it anew, or {_ANEW}."
    )
