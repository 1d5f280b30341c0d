"""`byol-keras views`."""

import argparse

from .arguments import Commands, add_data, add_value_range, command
from .recipe_flags import add_recipe_flags, settings


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "views",
        _run,
        "draw what the network will see",
        "views --data photos/ --out views.png --image-size 96 --crop-area 0.5\n"
        "         byol-keras views --data portraits/ --out views.png --views photos faces",
    )
    add_data(add)
    add.add_argument("--out", metavar="IMAGE", required=True, help="a .png")
    add.add_argument("--seed", metavar="N", type=int, help="of the views (default: 0, or that of --config)")
    add_value_range(add)
    add_recipe_flags(add, only_views=True)


def _run(options: argparse.Namespace) -> None:
    from ..workflows.views import draw_views

    kinds = options.views or [None]
    given = [settings(options, kind) for kind in kinds]
    recipes, auto_size = [each["recipe"] for each in given], given[0]["auto_size"]
    seed = given[0].get("seed", 0) if options.seed is None else options.seed
    value_range = options.value_range or given[0].get("value_range")
    draw_views(options.data, recipes, options.out, seed, auto_size, value_range, given[0].get("channels"))
    of = f", for {', '.join(kinds)} in turn" if options.views else ""
    print(f"{options.out}: images above, view 1 and view 2 below{of}")
