"""`byol-keras duplicates`."""

import argparse
from pathlib import Path

from .arguments import EMBEDDINGS_HELP, Commands, add_data, add_keep, add_model, add_page, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "duplicates",
        _run,
        "list the images of a folder that are nearly the same",
        "duplicates runs/photos --data photos/ --keep photos.index --out duplicates.html",
    )
    add_model(add)
    add_data(add, help=f"{EMBEDDINGS_HELP}, ")
    add_page(add, "an .html; a .csv of the same name is written too")
    add_keep(add)
    add.add_argument(
        "--threshold",
        metavar="D",
        type=float,
        help="cosine distance below which two images are nearly the same (default: 0.02 of the mean distance)",
    )


def _run(options: argparse.Namespace) -> None:
    from ..workflows.duplicates import list_duplicates

    groups, threshold = list_duplicates(options.encoder, options.data, options.out, options.threshold, options.keep)
    copies = sum(len(group) for group in groups)
    print(f"Nearer than {threshold:.2g}: {copies:,} images in {len(groups):,} group{'' if len(groups) == 1 else 's'}")
    print(f"Written to {options.out} and {Path(options.out).with_suffix('.csv')}")
