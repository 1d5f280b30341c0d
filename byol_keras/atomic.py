"""Files that are whole or not there."""

import contextlib
import os
import shutil
from pathlib import Path


@contextlib.contextmanager
def written_beside(path):
    """Gives a temporary path next to `path`, with its suffix; on success it is renamed to `path`, else removed.

    Works for files and folders. The rename replaces an existing file.

    Args:
        path: where the result shall stand.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)
