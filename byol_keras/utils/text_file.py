"""Text files that a user names."""

import os
from pathlib import Path

from ..errors import InputError


def read_text_file(path: str | os.PathLike) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Args:
        path: the file.

    Returns:
        str.

    Raises:
        InputError: where there is no such file, it cannot be read, or it is no text in UTF-8.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"No such file: {path}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8: {error}") from error
