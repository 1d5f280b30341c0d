"""`byol-keras views`."""

import argparse

from .arguments import Commands, add_data, command
from .recipe_flags import add_recipe_flags, settings


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "views",
        _run,
        "draw what the network will see",
        "views --data photos/ --out views.png --image-size 96 --crop-area 0.5",
    )
    add_data(add)
    add.add_argument("--out", metavar="IMAGE", required=True, help="a .png")
    add.add_argument("--seed", metavar="N", type=int, default=0, help="of the views (default: 0)")
    add_recipe_flags(add, only_views=True)


def _run(options: argparse.Namespace) -> None:
    from ..workflows.views import draw_views

    given = settings(options)
    draw_views(options.data, given["recipe"], options.out, options.seed, given["auto_size"])
    print(f"{options.out}: images above, view 1 in the middle, view 2 below")
