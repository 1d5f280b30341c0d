"""Sources of images, the pipelines from them to batches, and texts as ids."""

from .arrays import from_arrays
from .containers.shard_writer import write_shards
from .containers.shards import from_shards, verify_shards
from .images import ImageSource
from .labeled_texts import read_texts
from .open import open_source
from .synthetic import synthetic_images
from .tfds import from_tfds
from .token_ids import byte_ids, word_ids
from .train_pipeline import two_view_batches

__all__ = [
    "ImageSource",
    "byte_ids",
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
