"""`byol-keras search`."""

from .arguments import MODEL_HELP, SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "search",
        _run,
        "find the images most like others, and write a page with them",
        "search runs/photos --index photos/ --query new.jpg --keep photos.index --out found.html",
    )
    add.add_argument("encoder", metavar="RUN_OR_MODEL", help=MODEL_HELP)
    add.add_argument("--index", metavar="SOURCE", required=True, help="where to search: " + SOURCE_HELP)
    add.add_argument("--query", metavar="IMAGE", nargs="+", required=True, help="image files, or folders of them")
    add.add_argument("--out", metavar="PAGE", required=True, help="an .html; all images are inside it")
    add.add_argument(
        "--keep", metavar="FILE", help="keeps the index; next time only new and changed images are embedded"
    )
    add.add_argument("--neighbors", metavar="K", type=int, help="images for each query (default: 12)")


def _run(options):
    from ..workflows.search import search_images

    index, positions, _ = search_images(
        options.encoder, options.index, options.query, options.out, options.keep, options.neighbors
    )
    queries = f"{len(positions):,} {'query' if len(positions) == 1 else 'queries'}"
    print(f"{queries}, {positions.shape[1]} of {len(index):,} images for each: {options.out}")
