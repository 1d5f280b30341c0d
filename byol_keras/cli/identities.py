"""`byol-keras identities`."""

import argparse

from .arguments import Commands, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "identities",
        _run,
        "list whose images some folds of a pairs file show, for pretrain --exclude",
        "identities --pairs lfw/pairs.txt --folds 6-10 --out held-out.txt",
    )
    add.add_argument("--pairs", metavar="FILE", required=True, help="LFW's pairs.txt, or a CSV: fold,a,b,same")
    add.add_argument("--folds", metavar="N", required=True, help="such as 6-10 or 1,3")
    add.add_argument("--out", metavar="FILE", required=True, help="a text file, one folder of images per line")


def _run(options: argparse.Namespace) -> None:
    from ..workflows.identities import list_identities

    names = list_identities(options.pairs, options.folds, options.out)
    print(f"{len(names):,} identities written to {options.out}\nNext: byol-keras pretrain --exclude {options.out} ...")
