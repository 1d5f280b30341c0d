"""The page of a folder's near duplicates."""

from collections.abc import Sequence
from pathlib import Path

from ..tasks.retrieval.collection import Collection
from ..tasks.retrieval.duplicates import Copy
from ..utils.html import render_page
from .tiles import collection_tile

TEMPLATE = Path(__file__).parent / "templates" / "duplicates_page.html"
GROUPS = 200  # on the page at most; the listing has all
TILES = 24  # of a group at most


def duplicates_page(
    collection: Collection,
    groups: Sequence[Sequence[Copy]],
    threshold: float,
    mean: float,
    images: int,
    listing: str,
) -> str:
    """The page as HTML; all images are inside it.

    Args:
        collection: `Collection`.
        groups: list of lists of `Copy`, the one to keep first.
        threshold: float, the distance below which every two images of a group are.
        mean: float, the mean distance of two images.
        images: int, how many were compared.
        listing: str, the name of the file with all groups.

    Returns:
        str.
    """
    return render_page(
        TEMPLATE,
        data=collection.data,
        groups=[{"count": len(group), "tiles": _tiles(collection, group[:TILES])} for group in groups[:GROUPS]],
        group_count=len(groups),
        copies=sum(len(group) for group in groups),
        threshold=threshold,
        mean=mean,
        images=images,
        listing=listing,
    )


def _tiles(collection, group):
    return [collection_tile(collection, copy.position, _figure(copy)) for copy in group]


def _figure(copy):
    size = f"{copy.width} x {copy.height}" if copy.width else "size unknown"
    return f"{size}, {copy.distance:.4f}"
