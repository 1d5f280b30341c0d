"""An index that follows its source: what is new is embedded, what is gone is taken out, the rest stays."""

import os
import sys
from pathlib import Path

import keras
import numpy as np

from ...data.broken import list_broken
from ...errors import InputError
from ...evaluation.embed import embed
from ...models.fingerprint import SHOWN, fingerprint
from ...utils.progress import Progress
from .collection import Collection
from .index import ImageIndex

# Images between two writings of the cache: what at most is embedded again after an interruption.
BLOCK = 5_000


def index_collection(
    encoder: keras.Model, collection: Collection, cache: str | os.PathLike | None = None, rebuild: bool = False
) -> ImageIndex:
    """The index of a collection; says on stderr what changed and which images cannot be decoded.

    Args:
        encoder: keras.Model, (B, S, S, C) float32 in [0, 1] -> (B, D).
        collection: `Collection`.
        cache: path of a file, or None. Where it exists, only images that are new or have changed since are embedded,
            and those that are gone are taken out; it is written again as the work goes on.
        rebuild: bool, for a cache that cannot be used, because it is damaged, was made by another encoder or of other
            images: True says so on stderr and embeds all images again, False raises.

    Returns:
        `ImageIndex`, of at least one image.

    Raises:
        InputError: when no image can be decoded, `cache` cannot be used, or the collection was embedded by another
            encoder.

    Example:
        photos = bk.tasks.open_collection("photos")
        index = bk.tasks.index_collection(encoder, photos, cache="photos.index")
    """
    index = _started(encoder, collection, cache, rebuild)
    _check_embedded(collection, index.encoder)
    before, now = (dict(zip(images.names, images.stamps, strict=True)) for images in (index, collection))
    stale = [i for i, name in enumerate(index.names) if now.get(name) != before[name]]
    new = np.array([i for i, name in enumerate(collection.names) if before.get(name) != now[name]], np.int64)
    if before and (stale or len(new)):
        print(f"{cache}: {_changes(before, now)}", file=sys.stderr)
    index.remove(stale)
    broken = []
    # What has been embedded already is added at once: nothing is lost by an interruption.
    step = BLOCK if collection.embeddings is None else max(1, len(new))
    with Progress(len(new), f"Embedding {collection.data}") as bar:
        for start in range(0, len(new), step):
            block = new[start : start + step]
            names, vectors, excluded = _vectors(encoder, collection, block, bar)
            broken += excluded
            if len(names):
                index.add(names, [now[name] for name in names], vectors)
                if cache is not None:
                    index.save(cache)
            bar.to(start + len(block))
    if not len(index):
        raise InputError(f"No image of {collection.data} can be decoded: {list_broken(broken)}")
    if broken:
        line = f"{len(broken):,} of {len(collection):,} images cannot be decoded and are excluded"
        print(f"{collection.data}: {line}: {list_broken(broken)}", file=sys.stderr)
    if cache is not None and index.unsaved:
        index.save(cache)
    return index


def _vectors(encoder, collection, block, bar):
    """Names and embeddings of some images of a collection, and (name, reason) of those that cannot be decoded."""
    if collection.embeddings is not None:
        return [collection.names[i] for i in block], collection.embeddings.vectors[block], ()
    start = bar.done
    # Files are read twice: to be checked, and to be embedded.
    source, excluded = collection.opened(block, bar.up_to(start + len(block) / 2))
    if source is None:
        return [], None, excluded
    return source.names, embed(encoder, source, shown=bar.up_to(start + len(block))), excluded


def _check_embedded(collection, encoder):
    if collection.embeddings is not None and collection.embeddings.manifest.encoder != encoder:
        made_by = collection.embeddings.manifest.encoder
        raise InputError(
            f"{collection.data} was made with another encoder ({made_by[:SHOWN]}, this is {encoder[:SHOWN]}), whose "
            "embeddings cannot be compared with this one's. Give that encoder, or embed the images with this one."
        )


def _started(encoder, collection, cache, rebuild):
    """The index as it was cached, or an empty one."""
    empty = ImageIndex(fingerprint(encoder), [], [], np.zeros((0, encoder.output_shape[-1]), np.float32))
    if cache is None or not Path(cache).exists():
        return empty
    try:
        index = ImageIndex.load(cache)
    except InputError as error:
        if not rebuild:
            raise
        reason = f"cannot be read ({error.__cause__})"
    else:
        reason, remedy = _mismatch(index, empty.encoder, collection)
        if not reason:
            return index
        if not rebuild:
            raise InputError(f"{cache} {reason}{remedy}")
    print(f"{cache} {reason}: embedding all images again.", file=sys.stderr)
    return empty


def _mismatch(index, encoder, collection):
    """Why an index cannot be gone on with, and what to do about it; two empty texts where it can."""
    if index.encoder != encoder:
        return f"was made with another encoder ({index.encoder[:SHOWN]}, this is {encoder[:SHOWN]})", (
            ", whose embeddings cannot be compared with this one's. Give that encoder or another file, or delete it to "
            f"embed all {len(index):,} images again."
        )
    if index.names and not set(index.names) & set(collection.names):
        return "is an index of other images", (
            f": of its {len(index):,}, not one is in {collection.data}. Give another file, or delete it."
        )
    return "", ""


def _changes(before, now):
    """A line on what became of the images since; both are dicts of name -> stamp."""
    same = sum(now.get(name) == stamp for name, stamp in before.items())
    changed, gone = len(before.keys() & now.keys()) - same, len(before.keys() - now.keys())
    return f"{same:,} images as before, {len(now) - same - changed:,} new, {changed:,} changed, {gone:,} gone"
