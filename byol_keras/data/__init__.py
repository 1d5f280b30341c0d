"""Sources of images, the pipelines from them to batches, and texts as ids."""

from .arrays import from_arrays
from .containers.shard_writer import write_shards
from .containers.shards import from_shards, verify_shards
from .images import ImageSource
from .labeled_texts import read_texts
from .open import open_source
from .synthetic import synthetic_images
from .tfds import from_tfds
from .train_pipeline import two_view_batches
from .word_ids import word_ids

__all__ = [
    "ImageSource",
    "from_arrays",
    "from_shards",
    "from_tfds",
    "open_source",
    "read_texts",
    "synthetic_images",
    "two_view_batches",
    "verify_shards",
    "word_ids",
    "write_shards",
]
