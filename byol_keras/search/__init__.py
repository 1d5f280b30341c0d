"""Pictures by their neighbours: an index of a source, and pages of what is found in it."""

from .approximate import ApproximateNeighbours
from .collection import Collection, open_collection
from .copy import Copy
from .duplicates import duplicate_groups
from .exact import ExactNeighbours
from .fingerprint import fingerprint
from .index import PictureIndex
from .kept import read_index, write_index
from .listing import list_duplicates
from .searching import search_pictures
from .updating import index_collection

__all__ = [
    "ApproximateNeighbours",
    "Collection",
    "Copy",
    "ExactNeighbours",
    "PictureIndex",
    "duplicate_groups",
    "fingerprint",
    "index_collection",
    "list_duplicates",
    "open_collection",
    "read_index",
    "search_pictures",
    "write_index",
]
