"""`byol-keras doctor`."""

import argparse

from ..errors import InputError
from .arguments import DATA_HELP, Commands, add_value_range, command, in_flags
from .recipe_flags import add_recipe_flags, given_fields, settings


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "doctor",
        _run,
        "say what limits a run, or images before there is one",
        "doctor runs/photos\n         byol-keras doctor --data photos/ --image-size 64",
    )
    add.add_argument("folder", metavar="RUN", nargs="?", help="a folder that pretrain made, finished or not")
    add.add_argument("--data", metavar="DATA", help="in place of a run, before there is one: " + DATA_HELP)
    add_value_range(add)
    add_recipe_flags(add)


def _run(options: argparse.Namespace) -> None:
    from ..workflows.doctor import examine_data, examine_run

    if (options.folder is None) == (options.data is None):
        raise InputError("Give a run, or images by --data.")
    if options.folder is not None:
        changed = options.recipe or options.config or options.views or options.value_range
        if changed or given_fields(options):
            raise InputError("A run has its recipe: leave out what would change it.")
        measured, found = examine_run(options.folder)
    else:
        given = settings(options, options.views)
        measured, found = examine_data(
            options.data,
            given["recipe"],
            given["auto_size"],
            options.value_range or given.get("value_range"),
            given.get("channels"),
        )
    print(_figures(measured))
    for line in found or ["Nothing found that limits it."]:
        print("- " + in_flags(line, options.parser))


def _figures(measured):
    """What was measured, on a few lines."""
    lines = [
        f"{measured.images:,} images, {measured.updates:,} updates.",
        f"Near copies among those looked at: {100 * measured.copies:.0f} %.",
        f"Two views of an image find each other: {_shares(measured.untrained_match, measured.match)}.",
        f"The nearest image is of like color: {_shares(measured.untrained_color, measured.color)}.",
    ]
    if measured.input_share is not None:
        lines.append(f"Making a batch takes {100 * measured.input_share:.0f} % of a training step by itself.")
    return "\n".join(lines)


def _shares(untrained, trained):
    return f"untrained {100 * untrained:.0f} %" + ("" if trained is None else f", trained {100 * trained:.0f} %")
