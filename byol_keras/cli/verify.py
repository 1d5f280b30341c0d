"""`byol-keras verify`."""

import argparse
from pathlib import Path

from .arguments import Commands, add_run, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "verify",
        _run,
        "evaluate whether two images show the same person, by the LFW protocol, beside the same encoder untrained",
        "verify runs/faces --data lfw --pairs lfw/pairs.txt --folds 6-10",
    )
    add_run(add)
    add.add_argument("--data", metavar="FOLDER", required=True, help="images, for each person a folder")
    add.add_argument("--pairs", metavar="FILE", required=True, help="LFW's pairs.txt, or a CSV: fold,a,b,same")
    add.add_argument(
        "--folds", metavar="N", help="such as 6-10 or 1,3: those that training has not seen (default: all)"
    )


def _run(options: argparse.Namespace) -> None:
    from ..runs.results_table import results_table
    from ..workflows.verify import verify_run

    results = verify_run(options.folder, options.data, options.pairs, options.folds, options.line)
    print(results_table(results))
    path = Path(options.folder) / "results" / "verification"
    print(f"Written to {path}.json; the ROC curves to {path}.png")
