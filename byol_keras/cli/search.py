"""`byol-keras search`."""

import argparse

from .arguments import EMBEDDINGS_HELP, Commands, add_data, add_keep, add_model, add_page, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "search",
        _run,
        "find the images most like others, and write a page with them",
        "search runs/photos --index photos/ --query new.jpg --keep photos.index --out found.html",
    )
    add_model(add)
    add_data(add, "--index", f"where to search: {EMBEDDINGS_HELP}, ")
    add.add_argument(
        "--query", metavar="IMAGE", dest="queries", nargs="+", required=True, help="image files, or folders of them"
    )
    add_page(add, "an .html; all images are inside it")
    add_keep(add)
    add.add_argument("--neighbors", metavar="K", type=int, help="images for each query (default: 12)")


def _run(options: argparse.Namespace) -> None:
    from ..workflows.search import search_images

    index, positions, _ = search_images(
        options.encoder,
        options.index,
        options.queries,
        options.out,
        keep=options.keep,
        neighbors=options.neighbors,
    )
    queries = f"{len(positions):,} {'query' if len(positions) == 1 else 'queries'}"
    print(f"{queries}, {positions.shape[1]} of {len(index):,} images for each: {options.out}")
