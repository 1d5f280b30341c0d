"""What `byol-keras embed` does for collections that do not fit in memory."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..data import ImageSource, open_source
from ..data.containers.container import is_container
from ..data.lost_files import read_what_is_left
from ..data.open import absolute_data, data_stamp, is_recordings
from ..data.validate import MEMORY_BUDGET
from ..evaluation.collapse import check_embeddings, check_finite_embeddings
from ..evaluation.embed import as_taken, embedder, taken_size
from ..models.fingerprint import fingerprint
from ..precision import dtype_policy
from ..runs.load import load_encoder, value_range_of
from ..utils.atomic import check_writable, make_parent
from ..utils.embedding_parts import MANIFEST, EmbeddingsManifest, part_table
from ..utils.embeddings_folder import (
    begin_embeddings,
    read_excluded,
    unfinished_parts,
    write_excluded,
    write_part,
)
from ..utils.lock import exclusive
from ..utils.part_file import remove_parts
from ..utils.progress import Progress

# Of one part: what at most is embedded again after a kill, and what is in memory at once.
PART_IMAGES = 10_000


def embed_to_parts(
    encoder: str | os.PathLike, data: str, out: str | os.PathLike, precision: str = "float32"
) -> tuple[int, int]:
    """Embeds the images of `data` into the folder `out`, part by part; goes on where it was begun before.

    A part `part-00000.parquet` has PART_IMAGES rows, fewer where images could not be read: `name`, `embedding` (D
    float32) and `label`, null where the source has none. It is written when all of it is there. `_embeddings.json`
    says what they are of (`EmbeddingsManifest`), `_excluded/` which images are in no part, and why. What is embedded
    are the images there were in the beginning: those that have gone since are excluded, those that are new are not
    added, and both are said.

    Args:
        encoder, data, precision: as for `embed_source`.
        out: the folder, which need not be there.

    Returns:
        How many images there were in the beginning, and how many of these are in no part.

    Raises:
        InputError: for a mistake in any of them, or a folder that was begun with another encoder, source, precision or
            value range.
    """
    out = Path(out)
    check_writable(out / MANIFEST)
    model = load_encoder(encoder)
    # No pixels are held of what is read image by image: all but recordings, an .npz and what TFDS has in TFRecord.
    path = os.path.expanduser(os.fspath(data))
    by_image = (os.path.isdir(path) and not is_recordings(path)) or is_container(path)
    value_range = value_range_of(encoder)
    source = open_source(data, 0 if by_image else MEMORY_BUDGET, value_range=value_range)
    source = as_taken(model, source)
    manifest = EmbeddingsManifest(
        fingerprint(model),
        absolute_data(data),
        dtype_policy(precision).removeprefix("mixed_"),
        parts=-(-len(source) // PART_IMAGES),
        images=len(source) + len(source.broken),
        class_names=source.class_names,
        stamp=data_stamp(data),
        value_range=None if value_range is None else tuple(value_range),
    )
    make_parent(out / MANIFEST)
    with exclusive(out):
        remove_parts(out)
        manifest, names = begin_embeddings(out, manifest, source.names)
        positions = _positions(names, source, out)
        waiting = unfinished_parts(out, manifest)
        if len(waiting) == manifest.parts:
            write_excluded(out, "opened.parquet", source.broken)
        else:
            print(f"{out}: {manifest.parts - len(waiting):,} of {manifest.parts:,} parts are there.", file=sys.stderr)
        vectors_of = _checked(embedder(model, precision=precision), taken_size(model, source))
        with Progress(sum(len(_rows(positions, number)) for number in waiting), f"Embedding {data}") as bar:
            for number in waiting:
                rows = _rows(positions, number)
                missing = [names[number * PART_IMAGES + i] for i in np.flatnonzero(rows < 0)]
                end = bar.done + len(rows)
                excluded = [(name, "no longer there") for name in missing]
                rows = rows[rows >= 0]
                table = part_table([], np.zeros((0, model.output_shape[-1]), np.float32))
                if len(rows):
                    part = source.subset(rows)
                    vectors, left = read_what_is_left(part, lambda images, end=end: vectors_of(images, bar.up_to(end)))
                    lost = set(part.names) - set(left.names) if vectors is not None else set(part.names)
                    excluded += [(name, "could no longer be read") for name in sorted(lost)]
                    if vectors is not None:
                        table = part_table(left.names, vectors, _labels(left, manifest.class_names))
                write_part(out, number, table, excluded)
                bar.to(end)
        return manifest.images, len(read_excluded(out))


def _checked(vectors_of, size) -> Callable:
    """`vectors_of` with a look at what it gives: for whether the encoder has collapsed, once."""
    checks = [lambda vectors, source: check_embeddings(vectors, source, size)]

    def checked(source, shown):
        vectors = vectors_of(source, shown)
        (checks.pop() if checks else check_finite_embeddings)(vectors, source)
        return vectors

    return checked


def _rows(positions, number):
    return positions[number * PART_IMAGES : (number + 1) * PART_IMAGES]


def _labels(source: ImageSource, class_names: Sequence[str] | None) -> np.ndarray | None:
    """The labels of a source as numbers of `class_names`, which it may have had others of; -1 for none of them."""
    if source.class_names == class_names:
        return source.labels
    if class_names is None:
        return None
    number = {name: index for index, name in enumerate(class_names)}
    if source.class_names is None:  # as of a folder with an image beside those of the classes, which is new
        return np.array([number.get(name.partition("/")[0], -1) for name in source.names], np.int64)
    return np.array([number.get(name, -1) for name in source.class_names], np.int64)[source.labels]


def _positions(names: Sequence[str], source: ImageSource, out: Path) -> np.ndarray:
    """Where the images of the beginning are in the source now: (N,) int64, -1 where one is no longer there."""
    if names is source.names:
        return np.arange(len(source))
    place = {name: index for index, name in enumerate(source.names)}
    positions = np.array([place.get(name, -1) for name in names], np.int64)
    new = len(source) - np.count_nonzero(positions >= 0)
    if new:
        print(
            f"{new:,} images are new since {out} was begun and are not embedded: begin another folder for them.",
            file=sys.stderr,
        )
    return positions
