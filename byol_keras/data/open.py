"""SOURCE, as the command line takes it, to images."""

import os
import sys

from ..errors import InputError
from .arrays import from_npz
from .folder import from_folder, report_unlabeled
from .tfds import from_tfds
from .validate import MEMORY_BUDGET, report_broken


def open_source(text, memory_budget=MEMORY_BUDGET):
    """Opens a source, and says on stderr which of its images had to be left out.

    Args:
        text: a folder (`from_folder`), `tfds:NAME` or `tfds:NAME:SPLIT` (`from_tfds`; the split is `train` unless
            given), or an .npz file (`from_npz`).
        memory_budget: int, bytes of images that a folder or TFDS data set may hold in memory.

    Returns:
        ImageSource.

    Raises:
        InputError: when there is no such source, or it cannot be used.
    """
    text = os.fspath(text)
    path = os.path.expanduser(text)
    if text.startswith("tfds:"):
        name, _, split = text.removeprefix("tfds:").partition(":")
        if not name:
            raise InputError(f"A TFDS source is tfds:NAME or tfds:NAME:SPLIT. Received: {text}")
        source = from_tfds(name, split or "train", memory_budget=memory_budget)
    elif os.path.isdir(path):
        source = from_folder(path, memory_budget)
    elif path.lower().endswith(".npz"):
        source = from_npz(path)
    elif os.path.exists(path):
        raise InputError(f"Not a folder, an .npz file or tfds:NAME: {text}")
    else:
        raise InputError(f"No such folder or .npz file: {text!r} (a TFDS data set is tfds:NAME)")
    for line in (report_broken(source), report_unlabeled(source)):
        if line:
            print(f"{text}: {line}", file=sys.stderr)
    return source
