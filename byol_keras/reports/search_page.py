"""The page of a search: each query with the images nearest to it."""

import html

from ..utils.html import page
from . import tiles

STYLE = (
    tiles.STYLE
    + """
.found { display: grid; grid-template-columns: 9rem 1fr; gap: 1.4rem; margin-top: 2rem; padding-top: 1.2rem;
  border-top: 1px solid var(--line); }
.query .name { color: var(--text); }
@media (max-width: 30rem) { .found { grid-template-columns: 1fr; } .query { max-width: 60%; } }"""
)


def search_page(queries, collection, index, positions, distances, encoder):
    """The page as HTML; all images are inside it.

    Args:
        queries: list of (name, pixels (H, W, 1 or 3) uint8), Q of them.
        collection: `Collection` that was searched.
        index: `ImageIndex` of it.
        positions, distances: (Q, k), as `index.nearest` gave them.
        encoder: str, where the encoder was read from.

    Returns:
        str.
    """
    place = {name: i for i, name in enumerate(collection.names)}
    method = index.neighbors.kind
    note = "" if method == "exact" else " The search is approximate: now and then it misses an image."
    body = [
        f"<p>Of {len(index):,} images in {html.escape(collection.data)}, the {positions.shape[1]} nearest to each "
        f"query, nearest first, with their distance: 1 - the cosine of the embeddings by {html.escape(encoder)}, 0 for "
        f"the same image.{note}</p>"
    ]
    for (name, pixels), row, distance in zip(queries, positions, distances, strict=True):
        found = [
            tiles.collection_tile(collection, place[index.names[position]], f"{d:.3f}")
            for position, d in zip(row, distance, strict=True)
        ]
        query = tiles.tile(name, pixels, kind="query")
        body.append(f'<section class="found">{query}<div class="tiles">{"".join(found)}</div></section>')
    return page("The nearest images", "\n".join(body), STYLE, width="75rem")
