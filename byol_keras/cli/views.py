"""`byol-keras views`."""

import dataclasses

from ..errors import InputError
from ..runs.recipe import RECIPES, recipe_named
from .arguments import SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "views",
        _run,
        "draw what the network will see",
        "views --data photos/ --out views.png --image-size 96",
    )
    add.add_argument("--data", metavar="SOURCE", required=True, help=SOURCE_HELP)
    add.add_argument("--out", metavar="IMAGE", required=True, help="a .png")
    add.add_argument("--recipe", metavar="NAME", default="short", help=f"one of {', '.join(RECIPES)} (default: short)")
    add.add_argument("--image-size", metavar="N", type=int, help="pixels, instead of the recipe's")
    add.add_argument("--seed", metavar="N", type=int, default=0)


def _run(options):
    from ..data import open_source
    from ..data.grids import view_grid
    from ..runs.build import build_views

    changes = {} if options.image_size is None else {"image_size": options.image_size}
    recipe = dataclasses.replace(recipe_named(options.recipe), **changes)
    views = build_views(recipe)
    image = view_grid(open_source(options.data), views, seed=options.seed)
    _save_image(image, options.out)
    print(f"{options.out}: images above, view 1 in the middle, view 2 below, as --recipe {options.recipe} makes them")


def _save_image(image, path):
    from ..utils.atomic import atomic_path

    with atomic_path(path) as temporary:
        try:
            image.save(temporary)
        except ValueError as error:
            raise InputError(f"{path}: the name must end in .png, .jpg or another kind of image ({error})") from error
