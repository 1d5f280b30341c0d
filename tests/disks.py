"""File systems of a test's own, small enough to fill."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def mounted(folder, size):
    """A file system at `folder`, which is made, of a `size` such as "64k"; the test is skipped where none may be."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    try:
        refused = subprocess.run(command, capture_output=True).returncode
    except FileNotFoundError:
        refused = True
    if refused:
        pytest.skip("mounting a file system is not permitted here")
    try:
        yield folder
    finally:
        # Lazily: a process that was killed may have a file open for a moment yet.
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk):
    """Fills what is left of a file system with the file `ballast`."""
    with (disk / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
