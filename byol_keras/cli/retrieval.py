"""`byol-keras retrieval`."""

from pathlib import Path

from .arguments import SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "retrieval",
        _run,
        "measure by labels how well the nearest images agree in class, trained beside untrained",
        "retrieval runs/photos --index labeled/train --query labeled/test",
    )
    add.add_argument("encoder", metavar="RUN")
    add.add_argument("--index", metavar="SOURCE", required=True, help="labeled images to find: " + SOURCE_HELP)
    add.add_argument(
        "--query",
        metavar="SOURCE",
        help="labeled images of the same classes to search with (default: each of the index, among the others)",
    )


def _run(options):
    from ..runs.results import results_table
    from ..workflows.retrieval import retrieval_of_run

    print(results_table(retrieval_of_run(options.encoder, options.index, options.query, options.line)))
    print(f"Written to {Path(options.encoder) / 'results' / 'retrieval.json'}")
