"""The page of a search: each query with the images nearest to it."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..tasks.retrieval.collection import Collection
from ..tasks.retrieval.index import ImageIndex
from ..utils.html import render_page
from .tiles import collection_tile, image_tile

TEMPLATE = Path(__file__).parent / "templates" / "search_page.html"


def search_page(
    queries: Iterable[tuple[str, np.ndarray]],
    collection: Collection,
    index: ImageIndex,
    positions: np.ndarray,
    distances: np.ndarray,
    encoder: str,
) -> str:
    """The page as HTML; all images are inside it.

    Args:
        queries: (name, pixels (H, W, 1 or 3) uint8), Q of them, one after the other.
        collection: `Collection` that was searched.
        index: `ImageIndex` of it.
        positions, distances: (Q, k) int and float, as `index.nearest` gave them.
        encoder: str, where the encoder was read from.

    Returns:
        str.
    """
    place = {name: i for i, name in enumerate(collection.names)}
    sections = []
    for (name, pixels), row, distance in zip(queries, positions, distances, strict=True):
        found = [
            collection_tile(collection, place[index.names[position]], f"{d:.3f}")
            for position, d in zip(row, distance, strict=True)
        ]
        sections.append((image_tile(name, pixels), found))
    return render_page(
        TEMPLATE,
        sections=sections,
        images=len(index),
        data=collection.data,
        k=positions.shape[1],
        encoder=encoder,
        approximate=index.neighbors.kind != "exact",
    )
