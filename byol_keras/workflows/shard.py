"""What `byol-keras shard` does."""

import os

from ..data import open_source, write_shards
from ..data.containers.shard_manifest import ShardsManifest
from ..data.containers.shard_writer import SHARD_BYTES
from ..data.containers.shards import array_record
from ..data.open import absolute_data, data_stamp
from ..utils.atomic import check_writable


def shard_source(data: str, out: str | os.PathLike, shard_bytes: int = SHARD_BYTES) -> ShardsManifest:
    """Writes the images of `data` as shards into the folder `out`; goes on where it was begun before.

    Args:
        data: see `data.open_source`.
        out: the folder, which need not be there.
        shard_bytes: see `data.write_shards`.

    Returns:
        ShardsManifest.

    Raises:
        InputError: for a mistake in any of them, or a folder that was begun with others.
    """
    array_record()
    check_writable(os.path.join(out, "manifest.json"))
    source = open_source(data, hold_pixels=False)
    return write_shards(source, out, shard_bytes, absolute_data(data), data_stamp(data))
