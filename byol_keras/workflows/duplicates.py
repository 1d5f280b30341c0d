"""What `byol-keras duplicates` does, from top to bottom."""

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..reports.duplicates_page import duplicates_page
from ..runs.load import load_encoder, value_range_of
from ..tasks.retrieval.build import index_collection
from ..tasks.retrieval.collection import Collection, open_collection
from ..tasks.retrieval.duplicates import Copy, check_threshold, duplicate_groups, mean_distance, usual_threshold
from ..tasks.retrieval.index import ImageIndex
from ..utils.atomic import atomic_path, check_writable
from ..utils.html import write_page
from .search import check_page

# The share of images in groups from which on the usual threshold is to be doubted.
DOUBTFUL_SHARE = 0.1


def list_duplicates(
    encoder: str | os.PathLike,
    data: str | os.PathLike,
    out: str | os.PathLike,
    threshold: float | None = None,
    keep: str | os.PathLike | None = None,
) -> tuple[list[list[Copy]], float]:
    """Finds the images of a source that are nearly the same; writes a page, and a .csv of the same name beside it.

    Args:
        encoder: a run or a .keras file.
        data: the images or their embeddings, see `open_collection`.
        out: the page, ending in .html. The .csv has the columns group, image, width, height and
            distance, a line per image.
        threshold: above 0 and at most 2, see `duplicate_groups`; None for `usual_threshold`.
        keep: the file that the index is saved in, or None; see `index_collection`.

    Returns:
        list of lists of `Copy`, the surest group first, in each the largest image first; and the threshold.

    Raises:
        InputError: for a mistake in any of them.
    """
    listing = Path(out).with_suffix(".csv")
    check_page(out)
    check_threshold(threshold)
    for path in [listing] if keep is None else [listing, keep]:
        check_writable(path)
    model, collection = load_encoder(encoder), open_collection(data, value_range_of(encoder))
    index = index_collection(model, collection, keep)
    chosen = threshold is not None
    threshold = threshold if chosen else usual_threshold(index.vectors)
    place = {name: i for i, name in enumerate(collection.names)}
    groups = [_copies(collection, index, rows, place) for rows in duplicate_groups(index.vectors, threshold)]
    mean = mean_distance(index.vectors)
    text = duplicates_page(collection, groups, threshold, mean, len(index), listing.name)
    with atomic_path(listing) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["group", "image", "width", "height", "distance"])
        for number, group in enumerate(groups, start=1):
            writer.writerows([number, c.name, c.width, c.height, f"{c.distance:.6f}"] for c in group)
    write_page(out, text)
    copies = sum(map(len, groups))
    if not chosen and copies > DOUBTFUL_SHARE * len(index):
        print(
            f"Warning: {100 * copies / len(index):.0f} % of the images are in groups. The usual threshold goes by how "
            "far apart images are on average, and does not fit where most look much alike. Look at the groups, and "
            "give a lower threshold if they hold different images.",
            file=sys.stderr,
        )
    return groups, threshold


def _copies(collection: Collection, index: ImageIndex, rows: Sequence[int], place: dict[str, int]) -> list[Copy]:
    """The images at `rows` of the index, the one with the most pixels first."""
    sizes = {row: collection.size(place[index.names[row]]) for row in rows}
    rows = sorted(rows, key=lambda row: (-sizes[row][0] * sizes[row][1], index.names[row]))
    distances = 1 - index.vectors[rows] @ index.vectors[rows[0]]
    return [
        Copy(place[index.names[row]], index.names[row], sizes[row][1], sizes[row][0], max(0.0, float(distance)))
        for row, distance in zip(rows, distances, strict=True)
    ]
