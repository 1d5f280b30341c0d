"""Sources of pictures, and the pipelines from them to batches."""

from .arrays import from_arrays
from .pictures import Pictures
from .source import open_source

__all__ = ["Pictures", "from_arrays", "open_source"]
