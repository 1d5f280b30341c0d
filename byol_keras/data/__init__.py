"""Sources of images, and the pipelines from them to batches."""

from .arrays import from_arrays
from .containers.shard_writer import write_shards
from .containers.shards import from_shards, verify_shards
from .images import ImageSource
from .open import open_source
from .synthetic import synthetic_images
from .tfds import from_tfds
from .train_pipeline import two_view_batches

__all__ = [
    "ImageSource",
    "from_arrays",
    "from_shards",
    "from_tfds",
    "open_source",
    "synthetic_images",
    "two_view_batches",
    "verify_shards",
    "write_shards",
]
