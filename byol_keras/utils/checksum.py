"""Files with their SHA-256 beside them, in the form that `sha256sum --check` reads."""

import hashlib
import os
from pathlib import Path

from .atomic import atomic_path


def checksum_path(path: str | os.PathLike) -> Path:
    """Where the checksum of a file stands: `model.keras.sha256` beside `model.keras`."""
    path = Path(path)
    return path.with_name(path.name + ".sha256")


def write_checksum(path: str | os.PathLike, digest: str) -> None:
    """Writes the checksum of a file that is to be believed from now on.

    Args:
        path: of the file.
        digest: hexadecimal, from `sha256_of`.
    """
    with atomic_path(checksum_path(path)) as temporary:
        temporary.write_text(f"{digest}  {Path(path).name}\n")


def sha256_of(path: str | os.PathLike) -> str:
    """The SHA-256 of a file's content, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_intact(path: str | os.PathLike) -> bool:
    """Whether a file has the checksum that was written for it; False where it has none, or is not there."""
    beside = checksum_path(path)
    if not (beside.is_file() and Path(path).is_file()):
        return False
    return beside.read_text(errors="replace").split()[:1] == [sha256_of(path)]
