"""`byol-keras report`."""

from pathlib import Path

from .arguments import command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "report",
        _run,
        "write one page with everything that was measured about runs; runs of several seeds are taken together",
        "report runs/photos-0 runs/photos-1 runs/photos-2 --out results.html",
    )
    add.add_argument("runs", metavar="RUN", nargs="+")
    add.add_argument("--out", metavar="PAGE", help="the .html to write (default: results.html in the first RUN)")


def _run(options):
    from ..reports.results_page import write_results_page
    from ..runs.results import results_table
    from ..runs.run import load_run

    path = Path(options.out or Path(options.runs[0]) / "results.html")
    results = write_results_page([load_run(folder) for folder in dict.fromkeys(options.runs)], path)
    print(results_table(results))
    print(f"Written to {path}")
