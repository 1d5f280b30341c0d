"""Images by their neighbors: an index of a source, near duplicates in it, and scores of what is found."""

from .approximate import ApproximateNeighbors
from .build import index_collection
from .collection import Collection, open_collection
from .copy import Copy
from .duplicates import duplicate_groups
from .exact import ExactNeighbors
from .fingerprint import fingerprint
from .index import ImageIndex
from .index_file import read_index, write_index
from .metrics import Retrieval, average_precision, retrieval_leave_one_out, retrieval_scores

__all__ = [
    "ApproximateNeighbors",
    "Collection",
    "Copy",
    "ExactNeighbors",
    "ImageIndex",
    "Retrieval",
    "average_precision",
    "duplicate_groups",
    "fingerprint",
    "index_collection",
    "open_collection",
    "read_index",
    "retrieval_leave_one_out",
    "retrieval_scores",
    "write_index",
]
