"""Writes a source as ArrayRecord shards."""

import dataclasses
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import InputError
from ...utils.atomic import atomic_path, make_parent, remove_file
from ...utils.checksum import sha256_of
from ...utils.lock import LOCK_NAME, exclusive
from ...utils.part_file import PART, remove_parts
from ...utils.printable import printable
from ...utils.progress import Progress, print_beside
from ...utils.regular_file import open_regular
from ..check_cache import file_stamps
from ..decode import reason_of
from ..images import ImageSource
from .shard_index import ShardIndex, read_shard_index, shard_index_path, write_shard_index
from .shard_manifest import (
    MANIFEST,
    ShardFile,
    ShardsManifest,
    is_shard_name,
    is_shards,
    read_shards_manifest,
    shard_name,
    write_shards_manifest,
)
from .shards import array_record

SHARD_BYTES = 256 * 10**6

# A group of one record, which is read alone; images are compressed already.
_OPTIONS = "group_size:1,uncompressed"


def write_shards(
    source: ImageSource, folder: str | os.PathLike, shard_bytes: int = SHARD_BYTES, name: str = "", stamp: str = ""
) -> ShardsManifest:
    """Writes the images of a source as they are, byte for byte, into ArrayRecord shards with an index and a manifest.

    A record is one encoded image and nothing else: its name, label and size stand in the index beside the shard, so
    that those of a million images are read without reading a million records. Images of which there are only pixels are
    stored as PNG.

    The same source gives the same files. After a kill, shards that are whole and hold the images that they should are
    not written again; finished ones that were damaged are. Whether they do is seen by names, labels, sizes and formats,
    and of images in files by the files' bytes and times of change.

    Args:
        source: `ImageSource`.
        folder: a new one, or one in which this was begun.
        shard_bytes: int, from 1: a shard ends with the image that reaches it.
        name: what the source is called; see `ShardsManifest.source`.
        stamp: see `ShardsManifest`.

    Returns:
        ShardsManifest.

    Raises:
        InputError: where something else is in the folder, an image can no longer be read, or the disk does not take it.

    Example:
        source = bk.data.open_source("photos", hold_pixels=False)
        bk.data.write_shards(source, "shards")
    """
    if shard_bytes < 1:
        raise InputError(f"shard_bytes must be at least 1. Received: shard_bytes={shard_bytes}")
    if source.images is not None and (source.channels not in (1, 3) or source.images.dtype != np.uint8):
        raise InputError(
            "Shards hold gray or RGB images of 8 bits. "
            f"Received: images of {source.channels} channels, {source.images.dtype}"
        )
    if source.reading is not None:
        raise InputError(
            "Shards hold JPEG, PNG and the like as 8 bits, and these are .npy, TIFF or DICOM files, or read with a "
            f"value range: give their folder where they would be read. Received: {source.names[0]}"
        )
    array_record()
    folder = Path(folder)
    make_parent(folder / MANIFEST)
    with exclusive(folder):
        remove_parts(folder)
        manifest = ShardsManifest(name, stamp, shard_bytes)
        _begin(folder, manifest, source)
        shards, start = [], 0
        with Progress(len(source), f"Writing {folder}") as bar:
            while start < len(source):
                path = folder / shard_name(len(shards))
                index = _whole(path, source, start, shard_bytes) or _write(path, source, start, shard_bytes, bar)
                shards.append(_shard_file(path, index))
                start += len(index)
                bar.to(start)
        names = {shard.file for shard in shards}
        for path in sorted(folder.iterdir()):
            if is_shard_name(path.name) and path.name not in names:  # Now there are fewer.
                remove_file(shard_index_path(path))
                remove_file(path)
        manifest = dataclasses.replace(
            manifest, shards=tuple(shards), class_names=source.class_names, excluded=source.broken
        )
        write_shards_manifest(folder, manifest)
        return manifest


def _begin(folder, manifest, source):
    """Begins a folder, or refuses it where anything but these shards is in it."""
    for path in folder.iterdir():
        if not _is_ours(path.name):
            raise InputError(
                f"{folder} holds other files ({printable(path.name)}): name a new folder, or an empty one."
            )
    if not (folder / MANIFEST).exists() and not is_shards(folder):
        write_shards_manifest(folder, manifest)
        return
    begun = read_shards_manifest(folder)
    if begun.source != manifest.source:
        names = (printable(source) or "without a name" for source in (begun.source, manifest.source))
        reason = "begun of another source ({}, this is {})".format(*names)
    elif begun.shard_bytes != manifest.shard_bytes:
        reason = f"begun with another shard_bytes ({begun.shard_bytes}, this is {manifest.shard_bytes})"
    elif begun.stamp != manifest.stamp or (begun.shards and not _is_finished_of(folder, begun, source)):
        reason = f"written before {manifest.source or 'the source'} was changed"
    else:
        return
    raise InputError(f"{folder} was {reason}: name another folder, or delete this one.")


def _is_ours(name):
    shard = Path(name).with_suffix(".array_record").name
    is_file_of_shard = is_shard_name(shard) and Path(name).suffix in (".array_record", ".npz")
    return name in (MANIFEST, LOCK_NAME) or is_file_of_shard or PART.match(name) is not None


def _is_finished_of(folder, manifest, source):
    """Whether a finished set is of the images that the source has now; what is damaged does not say otherwise."""
    if (manifest.images, manifest.class_names) != (len(source), source.class_names):
        return False
    start = 0
    for shard in manifest.shards:
        path, images = folder / shard.file, source.subset(slice(start, start + shard.records))
        start += shard.records
        try:
            index = read_shard_index(path, shard.index_sha256)
        except InputError:
            continue  # It is written again, which says so.
        if not _holds(path, index, images):
            return False
    return True


def _holds(path, index, source):
    """Whether a shard was written of the images of `source` as they are now."""
    if not index.is_of(source):
        return False
    if source.paths is None:
        return True
    stamps, _ = file_stamps(source.paths)
    written = shard_index_path(path).stat().st_mtime_ns
    return np.array_equal(stamps["size"], index.lengths) and bool((stamps["changed"] <= written).all())


def _whole(path, source, start, shard_bytes):
    """The index of a shard that is there as it would be written, or None."""
    if not path.exists() or not shard_index_path(path).exists():
        return None
    try:
        index = read_shard_index(path)
    except InputError as error:
        print_beside(f"{error} That is done now.")
        return None
    end, lengths = start + len(index), index.lengths
    ends_here = lengths[:-1].sum() < shard_bytes and (lengths.sum() >= shard_bytes or end == len(source))
    if end > len(source) or not ends_here or not _holds(path, index, source.subset(slice(start, end))):
        return None
    if sha256_of(path) != index.sha256:
        print_beside(f"{path} is not as it was written, by its checksum, and is written again.")
        return None
    return index


def _write(path, source, start, shard_bytes, bar):
    """Writes the shard that begins with an image, and its index after it."""
    remove_file(shard_index_path(path))  # From here on it would be that of another shard.
    lengths, written = [], 0
    with atomic_path(path) as part:
        writer = array_record().ArrayRecordWriter(str(part), _OPTIONS)
        try:
            for content in _contents(source, start):
                writer.write(content)
                lengths.append(len(content))
                bar.to(start + len(lengths))
                written += len(content)
                if written >= shard_bytes:
                    break
        finally:
            writer.close()
        sha256 = sha256_of(part)
    index = ShardIndex.of(source.subset(slice(start, start + len(lengths))), np.array(lengths, np.int64), sha256)
    write_shard_index(path, index)
    return index


def _shard_file(path, index):
    beside = shard_index_path(path)
    sizes = path.stat().st_size, beside.stat().st_size
    return ShardFile(path.name, len(index), sizes[0], index.sha256, sizes[1], sha256_of(beside))


def _contents(source: ImageSource, start: int) -> Iterator[bytes]:
    """The encoded images from one on."""
    for index in range(start, len(source)):
        try:
            content = _content(source, index)
        except OSError as error:
            raise InputError(
                f"{printable(source.names[index])} can no longer be read: {reason_of(error)}. "
                "Begin again: it is excluded then, or put it back first."
            ) from error
        yield content


def _content(source, index):
    if source.paths is not None:
        with open_regular(source.paths[index]) as file:
            return file.read()
    if source.encoded is not None:
        return source.encoded[index]
    file, pixels = io.BytesIO(), source.images[index]
    Image.fromarray(pixels[..., 0] if source.channels == 1 else pixels).save(file, "PNG")
    return file.getvalue()
