"""Sources of pictures, and the pipelines from them to batches."""

from .arrays import from_arrays
from .images import Pictures
from .open import open_source

__all__ = ["Pictures", "from_arrays", "open_source"]
