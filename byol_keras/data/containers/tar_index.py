"""Where the images lie in a tar archive, and their labels, by its headers alone."""

import json
import os
import tarfile
from array import array
from typing import NamedTuple

import numpy as np

from ...errors import first_line
from ...utils.printable import printable
from ...utils.regular_file import open_regular
from ...utils.texts import Texts
from ..decode import reason_of
from ..file_names import SUFFIXES
from ..images import MAX_LABEL

_BLOCK = tarfile.BLOCKSIZE
_HEADER_BYTES = 2**20  # of one name or table that stands before a member
_LABEL_BYTES = {"cls": 64, "json": 2**20}
_END_BYTES = 2**20  # zeros at most that writers put at the end
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, zstd


class TarIndex(NamedTuple):
    """N images in an archive, in its order.

    Attributes:
        names: N texts, as they are in the archive.
        starts, lengths: (N,) int64, where the bytes of each lie.
        labels: (N,) int64, -1 where there is none.
        broken: (name, reason) of what looks like an image and cannot be one; with the name "" of the archive, where it
            is damaged. What lies before the damage is in the index.
    """

    names: Texts
    starts: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    broken: tuple[tuple[str, str], ...]


def index_tar(path: str | os.PathLike) -> TarIndex:
    """Reads the headers of an archive, and what holds labels.

    An image is a file whose name ends as images do; hidden ones are skipped. Its key is its name up to the first dot
    after the last slash. A file KEY.cls is the label of the images with that key, a whole number in digits; so is
    `label` in a KEY.json. Of two files of one name the last counts, as when the archive is unpacked. Nothing is
    unpacked, and no link is followed.

    Args:
        path: of the archive.

    Returns:
        TarIndex.
    """
    places, labels, broken = {}, {}, []
    try:
        with open_regular(path) as file:
            for member in _members(file):
                name = "/".join(part for part in member.name.split("/") if part not in ("", "."))
                if member.isdir() or any(part.startswith(".") and part != ".." for part in name.split("/")):
                    continue
                key, suffix = _key_and_suffix(name)
                if name.lower().endswith(SUFFIXES):
                    if reason := _reason(member, name):
                        broken.append((name, reason))
                        continue
                    places.pop(name, None)  # the last one stands at its own place
                    places[name] = member.offset_data, member.size
                elif suffix in _LABEL_BYTES and member.isreg() and member.size <= _LABEL_BYTES[suffix]:
                    label = _label(suffix, os.pread(file.fileno(), member.size, member.offset_data))
                    if label is not None and (suffix == "cls" or key not in labels):
                        labels[key] = label
    except Exception as error:  # On a malformed file tarfile raises nearly anything.
        reason = reason_of(error) if isinstance(error, OSError) else printable(first_line(error))
        before = f"; the {len(places):,} {'image' if len(places) == 1 else 'images'} before that can be used"
        broken.append(("", reason + before if places else reason))
    where = array("q", (number for place in places.values() for number in place))
    where = np.array(where, np.int64).reshape(-1, 2)
    numbers = np.fromiter((labels.get(_key_and_suffix(name)[0], -1) for name in places), np.int64, len(places))
    return TarIndex(Texts.of(places), where[:, 0], where[:, 1], numbers, tuple(broken))


class _Headers:
    """A file as tarfile wants it, that does not give more at once than a header can need."""

    def __init__(self, file):
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, size=-1):
        if not 0 <= size <= _HEADER_BYTES:
            raise tarfile.ReadError(f"damaged: a header that claims {size:,} bytes")
        return self._file.read(size)


def _members(file):
    """The `TarInfo` of each member that is there as a whole; an error of any type where no other can be found."""
    size = os.fstat(file.fileno()).st_size
    if file.read(6).startswith(_COMPRESSED):
        raise ValueError("compressed, so that no image can be read by itself: decompress it to a .tar")
    file.seek(0)
    if not size:
        raise ValueError("the file is empty")
    try:
        archive = tarfile.open(fileobj=_Headers(file), mode="r:")  # noqa: SIM115 - see below
    except tarfile.TarError as error:
        raise ValueError(_damage(error, "not a tar archive")) from error
    with archive:
        before = 0
        while (member := _next(archive)) is not None:
            archive.members = []  # which would hold all of them
            if member.size < 0 or archive.offset <= before:
                raise ValueError(f"damaged at byte {before:,}")
            before = archive.offset
            if member.isreg() and member.offset_data + member.size > size:
                raise ValueError(f"cut off in {member.name}")
            yield member
            if archive.offset > size:
                raise ValueError(f"cut off after {member.name}")
        # tarfile takes for the end whatever is no header.
        file.seek(archive.offset)
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise ValueError("cut off: its end is missing")
        if block.strip(b"\0"):
            raise ValueError(f"damaged at byte {archive.offset:,}")
        if size - archive.offset > _END_BYTES or file.read().strip(b"\0"):
            raise ValueError(f"what follows its end at byte {archive.offset:,} is not read")


def _next(archive):
    try:
        return archive.next()
    except tarfile.TarError as error:
        raise ValueError(_damage(error, "damaged")) from error


def _damage(error, what):
    text = first_line(error)
    return text if text.startswith("damaged") else f"{what}: {text}"


def _reason(member, name):
    """Why a member cannot be an image, or None."""
    if member.islnk() or member.issym():
        return "a link, not a file"
    if not member.isreg():
        return "a device, not a file"
    if member.issparse():
        return "a sparse file"
    if ".." in name.split("/"):
        return "a name that leads out of the archive"
    try:
        name.encode()
    except UnicodeEncodeError as error:
        return reason_of(error)
    return None


def _key_and_suffix(name):
    folder, slash, file = name.rpartition("/")
    stem, _, suffix = file.partition(".")
    return folder + slash + stem, suffix.lower()


def _label(suffix, content):
    try:
        label = int(content) if suffix == "cls" else json.loads(content)["label"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return label if type(label) is int and 0 <= label <= MAX_LABEL else None
