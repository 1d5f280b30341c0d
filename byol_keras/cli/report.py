"""`byol-keras report`."""

import argparse
from pathlib import Path

from .arguments import Commands, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "report",
        _run,
        "write one page with everything that was measured about runs; runs of several seeds are taken together",
        "report runs/photos-0 runs/photos-1 runs/photos-2 --out results.html",
    )
    add.add_argument("runs", metavar="RUN", nargs="+", help="folders that pretrain made")
    add.add_argument("--out", metavar="PAGE", help="the .html to write (default: results.html in the first RUN)")


def _run(options: argparse.Namespace) -> None:
    from ..runs.results_table import results_table
    from ..workflows.report import report_runs

    path = Path(options.out or Path(options.runs[0]) / "results.html")
    print(results_table(report_runs(options.runs, path)))
    print(f"Written to {path}")
