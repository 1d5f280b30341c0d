"""Sources of images, and the pipelines from them to batches."""

from .arrays import from_arrays
from .images import ImageSource
from .open import open_source

__all__ = ["ImageSource", "from_arrays", "open_source"]
