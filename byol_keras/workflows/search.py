"""What `byol-keras search` does, from top to bottom."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.image_pixels import image_of
from ..data.open import open_files
from ..errors import InputError
from ..evaluation import embed
from ..reports.search_page import search_page
from ..runs.load import load_encoder, value_range_of
from ..tasks.retrieval.build import index_collection
from ..tasks.retrieval.collection import open_collection
from ..tasks.retrieval.index import ImageIndex
from ..utils.atomic import check_writable
from ..utils.html import write_page

NEIGHBORS = 12


def search_images(
    encoder: str | os.PathLike,
    data: str | os.PathLike,
    queries: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    keep: str | os.PathLike | None = None,
    neighbors: int | None = None,
) -> tuple[ImageIndex, np.ndarray, np.ndarray]:
    """Finds the images nearest to each query and writes a page with them.

    Args:
        encoder: a run or a .keras file.
        data: the images to search, or their embeddings, see `open_collection`.
        queries: image files and folders of them.
        out: the page, ending in .html.
        keep: the file that the index is saved in, or None; see `index_collection`.
        neighbors: images for each query, by default NEIGHBORS; all where fewer can be decoded.

    Returns:
        `ImageIndex`, and for each of the Q queries its neighbors as `ImageIndex.nearest` gives them.

    Raises:
        InputError: for a mistake in any of them.
    """
    check_page(out)
    if keep is not None:
        check_writable(keep)
    model, value_range = load_encoder(encoder), value_range_of(encoder)
    query_source, collection = open_files(queries, value_range), open_collection(data, value_range)
    if neighbors is not None and not 1 <= neighbors <= len(collection):
        raise InputError(
            f"neighbors must be from 1 to {len(collection)}, the number of images. Received: neighbors={neighbors}"
        )
    vectors = embed(model, query_source)
    index = index_collection(model, collection, keep)
    positions, distances = index.nearest(vectors, min(neighbors or NEIGHBORS, len(index)))
    # One at a time: photographs are large.
    queried = ((name, image_of(query_source, i)) for i, name in enumerate(query_source.names))
    write_page(out, search_page(queried, collection, index, positions, distances, str(encoder)))
    return index, positions, distances


def check_page(out: str | os.PathLike) -> None:
    """Raises InputError where `out` does not end in .html or cannot be written."""
    if Path(out).suffix != ".html":
        raise InputError(f"out must name an .html file. Received: out={out}")
    check_writable(out)
