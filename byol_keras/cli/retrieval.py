"""`byol-keras retrieval`."""

import argparse
from pathlib import Path

from .arguments import Commands, add_data, add_run, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "retrieval",
        _run,
        "measure by labels how well the nearest images agree in class, trained beside untrained",
        "retrieval runs/photos --index labeled/train --query labeled/test",
    )
    add_run(add)
    add_data(add, "--index", "labeled images to find: ")
    add.add_argument(
        "--query",
        metavar="DATA",
        dest="queries",
        help="labeled images of the same classes to search with (default: each of the index, among the others)",
    )


def _run(options: argparse.Namespace) -> None:
    from ..runs.results_table import results_table
    from ..workflows.retrieval import retrieval_of_run

    print(results_table(retrieval_of_run(options.folder, options.index, options.queries, command=options.line)))
    print(f"Written to {Path(options.folder) / 'results' / 'retrieval.json'}")
