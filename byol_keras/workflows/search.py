"""What `byol-keras search` does, from top to bottom."""

from pathlib import Path

from ..data.decode import decode
from ..data.open import open_files
from ..errors import InputError
from ..evaluation import embed
from ..reports.search_page import search_page
from ..runs.load import load_encoder
from ..tasks.retrieval.build import index_collection
from ..tasks.retrieval.collection import open_collection
from ..utils.atomic import check_writable
from ..utils.html import write_page

NEIGHBORS = 12


def search_images(encoder, source, queries, out, keep=None, k=None):
    """Finds the images nearest to each query and writes a page with them.

    Args:
        encoder: str or Path, a run or a .keras file.
        source: str, the SOURCE to search.
        queries: list of str or Path, image files and folders of them.
        out: str or Path of the page, ending in .html.
        keep: str or Path of a file that keeps the index, or None; see `index_collection`.
        k: int, images for each query; by default NEIGHBORS, or all where there are fewer.

    Returns:
        `ImageIndex`, and for each of the Q queries its neighbors as `ImageIndex.nearest` gives them.

    Raises:
        InputError: for a mistake in any of them.
    """
    check_page(out)
    if keep is not None:
        check_writable(keep)
    model, asked, collection = load_encoder(encoder), open_files(queries), open_collection(source)
    if k is not None and not 1 <= k <= len(collection):
        raise InputError(f"{k} neighbors are asked of {len(collection):,} images: ask 1 to {len(collection)}.")
    vectors = embed(model, asked)
    index = index_collection(model, collection, keep)
    positions, distances = index.nearest(vectors, min(NEIGHBORS, len(index)) if k is None else k)
    shown = [(name, decode(path)) for name, path in zip(asked.names, asked.paths, strict=True)]
    write_page(out, search_page(shown, collection, index, positions, distances, str(encoder)))
    return index, positions, distances


def check_page(out):
    """Raises InputError where `out` does not end in .html or cannot be written."""
    if Path(out).suffix != ".html":
        raise InputError(f"--out must name an .html file. Received: {out}")
    check_writable(out)
