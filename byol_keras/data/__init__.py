"""Sources of images, and the pipelines from them to batches."""

from .arrays import from_arrays
from .images import ImageSource
from .open import open_source
from .synthetic import draw

__all__ = ["ImageSource", "draw", "from_arrays", "open_source"]
