"""What `byol-keras identities` does."""

import os

from ..tasks.verification.dataset import fold_numbers, read_pairs
from ..utils.atomic import atomic_path


def list_identities(pairs: str | os.PathLike, folds: str, out: str | os.PathLike) -> list[str]:
    """Writes whose images some folds of a file of pairs show, one folder of images per line, for `pretrain` to exclude.

    Args:
        pairs: a file, see `read_pairs`.
        folds: such as "6-10" or "1,3".
        out: the text file to write.

    Returns:
        The names in it.

    Raises:
        InputError: for a mistake in any of them.
    """
    names = sorted(read_pairs(pairs).in_folds(fold_numbers(folds)).identities())
    with atomic_path(out) as path:
        path.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return names
