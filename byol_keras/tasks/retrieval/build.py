"""An index that follows its source: what is new is embedded, what is gone is taken out, the rest stays."""

import sys
from pathlib import Path

import numpy as np

from ...data.validate import list_broken
from ...errors import InputError
from ...evaluation import embed
from .fingerprint import fingerprint
from .index import ImageIndex
from .index_file import read_index, write_index

# Images between two writings of the kept file: what at most is embedded again after an interruption.
BLOCK = 5_000


def index_collection(encoder, collection, keep=None):
    """The index of a collection; says on stderr what changed and which images had to be left out.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        collection: `Collection`.
        keep: path of a file, or None. Where it exists, only images that are new or have changed since are embedded,
            and those that are gone are taken out; it is written again as the work goes on.

    Returns:
        `ImageIndex`, of at least one image.

    Raises:
        InputError: when `keep` is damaged, was made by another encoder or of other images, or no image can be
            decoded.
    """
    index = _started(encoder, keep)
    before, now = (
        dict(zip(index.names, index.stamps, strict=True)),
        dict(zip(collection.names, collection.stamps, strict=True)),
    )
    if before and not before.keys() & now.keys():
        raise InputError(
            f"{keep} is an index of other images: of its {len(before):,}, not one is in {collection.data}. "
            "Give another file, or delete it."
        )
    if before:
        print(f"{keep}: {_changes(before, now)}", file=sys.stderr)
    stale = [i for i, name in enumerate(index.names) if now.get(name) != before[name]]
    new = np.array([i for i, name in enumerate(collection.names) if before.get(name) != now[name]], np.int64)
    index.remove(stale)
    broken = []
    for start in range(0, len(new), BLOCK):
        source, exclude = collection.opened(new[start : start + BLOCK])
        broken += exclude
        if source is not None:
            index.add(source.names, [now[name] for name in source.names], embed(encoder, source))
            if keep is not None:
                write_index(index, keep)
    if not len(index):
        raise InputError(f"No image of {collection.data} can be decoded: {list_broken(broken)}")
    if broken:
        line = f"{len(broken):,} of {len(collection):,} images cannot be decoded and are left out"
        print(f"{collection.data}: {line}: {list_broken(broken)}", file=sys.stderr)
    if keep is not None and stale and not len(new):
        write_index(index, keep)
    return index


def _started(encoder, keep):
    """The index as it was kept, or an empty one."""
    mark = fingerprint(encoder)
    if keep is None or not Path(keep).exists():
        return ImageIndex(mark, [], [], np.zeros((0, encoder.output_shape[-1]), np.float32))
    index = read_index(keep)
    if index.encoder != mark:
        raise InputError(
            f"{keep} was made with another encoder, whose embeddings cannot be compared with this one's. Give that "
            f"encoder or another file, or delete it to embed all {len(index):,} images again."
        )
    return index


def _changes(before, now):
    """A line on what became of the images since; both are dicts of name -> stamp."""
    same = sum(now.get(name) == stamp for name, stamp in before.items())
    changed, gone = len(before.keys() & now.keys()) - same, len(before.keys() - now.keys())
    return f"{same:,} images as before, {len(now) - same - changed:,} new, {changed:,} changed, {gone:,} gone"
