"""What every command of `byol-keras` is made with."""

import argparse

SOURCE_HELP = (
    "a folder of images (subfolders are classes), tfds:NAME[:SPLIT], or an .npz with `images` and optional `labels`"
)
MODEL_HELP = "a run, or a .keras file of an encoder"


def command(commands, name, run, summary, example):
    """Adds one command.

    Args:
        commands: what `argparse.ArgumentParser.add_subparsers` gave.
        name: str.
        run: function of the parsed options; does the work.
        summary: str, what it does, without a capital or a full stop.
        example: str, a command line after `byol-keras`.

    Returns:
        argparse.ArgumentParser, to add its arguments to.
    """
    added = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example: byol-keras {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.set_defaults(run=run)
    return added
