"""A folder that `save_to_disk` of Hugging Face's `datasets` wrote, as a source."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...utils.progress import progress
from ..images import ImageSource
from ..validate import MEMORY_BUDGET
from .arrow_index import index_arrow
from .file_slices import FileSlices
from .joined import joined_source
from .label_column import class_names_in, numbered_together

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"


def saved_files(folder: str | os.PathLike) -> list[str]:
    """The absolute paths of the data files of a folder, in the order of their rows; none where it is another folder.

    Raises:
        InputError: for several splits, or what `save_to_disk` does not write.
    """
    folder = os.path.abspath(folder)
    if splits := _read_json(folder, SPLITS).get("splits"):
        raise InputError(f"{folder} holds several splits of a data set: give the folder of one. Received: {splits}")
    state = _read_json(folder, STATE)
    if "_data_files" not in state:
        return []
    try:
        names = [file["filename"] for file in state["_data_files"]]
        # Old versions could leave the order of rows in a file of its own.
        if state.get("_indices_files") or state.get("_indices_data_files") or not names:
            raise ValueError
        if any(os.path.basename(name) != name for name in names):
            raise ValueError
    except (TypeError, KeyError, ValueError):
        raise InputError(
            f"{os.path.join(folder, STATE)} is not as `save_to_disk` writes it: save the data set again."
        ) from None
    return [os.path.join(folder, name) for name in names]


def from_saved_dataset(
    files: Sequence[str], root: str, where: str | os.PathLike, memory_budget: int = MEMORY_BUDGET
) -> ImageSource:
    """The images in the column `image` of a saved data set, labeled by the column `label` where it has one.

    Args:
        files: what `saved_files` gives.
        root: absolute path of the folder.
        where: text that names it.
        memory_budget: int, bytes of pixels to hold at most.

    Returns:
        ImageSource, see `joined_source`.

    Raises:
        InputError: for what `index_arrow` and `joined_source` refuse.
    """
    parts = [index_arrow(path) for path in progress(files, len(files), f"Reading the labels of {where}")]
    parts, texts = numbered_together(parts, where)
    class_names = texts or class_names_in(_read_json(root, INFO).get("features"))
    return joined_source(files, parts, lambda: FileSlices.of(files, parts), root, where, memory_budget, class_names)


def _read_json(folder, name):
    """The object in a file, an empty one where there is none: others have files of these names, too."""
    try:
        content = json.loads(Path(folder, name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
