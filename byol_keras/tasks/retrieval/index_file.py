"""An index in a file.

The file is an .npz whatever its name: `vectors` (N, D) float32, `about`, JSON as bytes, and of a large index the graph.
A .npz holds a checksum of each of its parts, which numpy compares as it reads them: damage is found before anything is
made of it.
"""

import json
import zipfile

import numpy as np

from ...errors import InputError
from ...utils.atomic import atomic_path
from ...utils.extras import has_extra
from .approximate import ApproximateNeighbors
from .exact import ExactNeighbors
from .index import ImageIndex, neighbors_of

FORMAT = "byol_keras image index 1"


def write_index(index, path):
    """Writes an index to a file, over an older one.

    Args:
        index: `ImageIndex`.
        path: str or Path; the parent folder is made if need be.
    """
    about = {"format": FORMAT, "encoder": index.encoder, "names": index.names, "stamps": index.stamps}
    parts = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), "vectors": index.vectors}
    if index.neighbors.kind == ApproximateNeighbors.kind:
        parts["keys"] = index.neighbors.keys
        parts["graph"] = np.frombuffer(index.neighbors.saved_graph(), np.uint8)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **parts)


def read_index(path):
    """The index in a file that `write_index` wrote.

    Returns:
        `ImageIndex`.

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
        neighbors = _neighbors(parts)
        return ImageIndex(about["encoder"], about["names"], about["stamps"], parts["vectors"], neighbors)
    except FileNotFoundError:
        raise InputError(f"No such index: {path}") from None
    except Exception as error:  # On a damaged archive zipfile and numpy raise nearly anything.
        raise InputError(
            f"{path} cannot be read as an index of images: {error}. Give another name, or delete it to embed all "
            "images again."
        ) from error


def _neighbors(parts):
    vectors = parts["vectors"]
    if "graph" not in parts:
        return neighbors_of(vectors)
    if not has_extra("usearch"):
        return ExactNeighbors(vectors)
    return ApproximateNeighbors(vectors, parts["keys"], parts["graph"].tobytes())
