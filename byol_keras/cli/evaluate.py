"""`byol-keras evaluate`."""

import argparse
from pathlib import Path

from .arguments import Commands, add_label_subsets, add_run, add_train_and_test, command, label_subset_arguments


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "evaluate",
        _run,
        "compare the trained encoder with the same one untrained, by k-NN and linear probe",
        "evaluate runs/photos --train labeled/train --test labeled/test",
    )
    add_run(add)
    add_train_and_test(add)
    add_label_subsets(add)
    add.add_argument(
        "--probe", choices=("lbfgs", "sgd"), default="lbfgs", help="linear probe: fast, or the paper's 80 epochs of SGD"
    )


def _run(options: argparse.Namespace) -> None:
    from ..runs.results import results_name
    from ..runs.results_table import results_table
    from ..runs.run_config import load_run
    from ..runs.verdict import verdict
    from ..workflows.evaluate import evaluate_run

    subsets = label_subset_arguments(options)
    results = evaluate_run(options.folder, options.train, options.test, sgd=options.probe == "sgd", **subsets)
    print(results_table(results))
    for line in verdict(load_run(options.folder), results):
        print(line)
    print(f"Written to {Path(options.folder) / 'results' / results_name('evaluation', options.label_fraction)}.json")
