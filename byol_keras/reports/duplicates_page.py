"""The page of a folder's near duplicates."""

import html

from ..utils.html import page
from . import tiles

GROUPS = 200  # on the page at most; the listing has all
TILES = 24  # of a group at most

STYLE = (
    tiles.STYLE
    + """
.group { margin-top: 1.6rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.group h2 { font-size: .95rem; margin: 0 0 .5rem; padding: 0; border: 0; }"""
)


def duplicates_page(collection, groups, threshold, mean, images, listing):
    """The page as HTML; all images are inside it.

    Args:
        collection: `Collection`.
        groups: list of lists of `Copy`.
        threshold: float, the distance below which images were linked.
        mean: float, the mean distance of two images.
        images: int, how many were compared.
        listing: str, the name of the file with all groups.

    Returns:
        str.
    """
    copies = sum(len(group) for group in groups)
    body = [
        f"<p>Of {images:,} images in {html.escape(collection.data)}, {copies:,} are in {len(groups):,} groups, "
        f"linked by a distance below {threshold:.2g}: 1 - the cosine of their embeddings. Two images are {mean:.2g} "
        "apart in the mean. The largest image of a group comes first; below each are its width and "
        f"height and its distance to the first. {html.escape(listing)} lists the same as a table.</p>"
    ]
    for number, group in enumerate(groups[:GROUPS], start=1):
        shown = [tiles.collection_tile(collection, copy.position, _figure(copy)) for copy in group[:TILES]]
        more = f"<p>and {len(group) - TILES:,} more</p>" if len(group) > TILES else ""
        head = f"<h2>Group {number}, {len(group)} images</h2>"
        body.append(f'<section class="group">{head}<div class="tiles">{"".join(shown)}</div>{more}</section>')
    if len(groups) > GROUPS:
        body.append(f"<p>And {len(groups) - GROUPS:,} more groups in {html.escape(listing)}.</p>")
    return page("Near duplicates", "\n".join(body), STYLE, width="75rem")


def _figure(copy):
    size = f"{copy.width} x {copy.height}" if copy.width else "size unknown"
    return f"{size}, {copy.distance:.4f}"
