"""An index in a file.

The file is an .npz whatever its name: `vectors` (N, D) float32, `about`, JSON as bytes, and of a large index the graph.
A .npz holds a checksum of each of its parts, which numpy compares as it reads them: damage is found before anything is
made of it.
"""

import importlib.util
import json
import zipfile

import numpy as np

from ...errors import InputError
from ...utils.atomic import written_beside
from .approximate import ApproximateNeighbours
from .exact import ExactNeighbours
from .index import PictureIndex, neighbours_of

FORMAT = "byol_keras picture index 1"


def write_index(index, path):
    """Writes an index to a file, over an older one.

    Args:
        index: `PictureIndex`.
        path: str or Path; the parent folder is made if need be.
    """
    about = {"format": FORMAT, "encoder": index.encoder, "names": index.names, "stamps": index.stamps}
    parts = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), "vectors": index.vectors}
    if index.neighbours.kind == ApproximateNeighbours.kind:
        parts["keys"] = index.neighbours.keys
        parts["graph"] = np.frombuffer(index.neighbours.saved_graph(), np.uint8)
    with written_beside(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **parts)


def read_index(path):
    """The index in a file that `write_index` wrote.

    Returns:
        `PictureIndex`.

    Raises:
        InputError: where there is no such file, it is something else, or it is damaged.
    """
    try:
        # Given a path, numpy would leave the file open when it finds it damaged.
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is cut off, or something else")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                parts = dict(arrays)
        about = json.loads(parts["about"].tobytes())
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}")
        neighbours = _neighbours(parts)
        return PictureIndex(about["encoder"], about["names"], about["stamps"], parts["vectors"], neighbours)
    except FileNotFoundError:
        raise InputError(f"No such index: {path}") from None
    except Exception as error:  # On a damaged archive zipfile and numpy raise nearly anything.
        raise InputError(
            f"{path} cannot be read as an index of pictures: {error}. Give another name, or delete it to embed all "
            "pictures again."
        ) from error


def _neighbours(parts):
    vectors = parts["vectors"]
    if "graph" not in parts:
        return neighbours_of(vectors)
    if not importlib.util.find_spec("usearch"):
        return ExactNeighbours(vectors)
    return ApproximateNeighbours(vectors, parts["keys"], parts["graph"].tobytes())
