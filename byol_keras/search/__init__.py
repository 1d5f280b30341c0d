"""Pictures by their neighbours: an index of a source, and pages of what is found in it."""

from .approximate import ApproximateNeighbours
from .collection import Collection, open_collection
from .exact import ExactNeighbours
from .fingerprint import fingerprint
from .index import PictureIndex
from .kept import read_index, write_index
from .searching import search_pictures
from .updating import index_collection

__all__ = [
    "ApproximateNeighbours",
    "Collection",
    "ExactNeighbours",
    "PictureIndex",
    "fingerprint",
    "index_collection",
    "open_collection",
    "read_index",
    "search_pictures",
    "write_index",
]
