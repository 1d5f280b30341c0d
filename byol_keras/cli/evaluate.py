"""`byol-keras evaluate`."""

from pathlib import Path

from .arguments import SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "evaluate",
        _run,
        "compare the trained encoder with the same one untrained, by k-NN and linear probe",
        "evaluate runs/photos --train labeled/train --test labeled/test",
    )
    add.add_argument("encoder", metavar="RUN")
    add.add_argument("--train", metavar="SOURCE", required=True, help="labeled images: " + SOURCE_HELP)
    add.add_argument("--test", metavar="SOURCE", required=True, help="labeled images of the same classes")
    add.add_argument("--label-fraction", metavar="F", type=float, default=1.0, help="share of the training labels used")
    add.add_argument("--draws", metavar="N", type=int, help="random choices of them (default: 3 of a share, 1 of all)")
    add.add_argument(
        "--probe", choices=("lbfgs", "sgd"), default="lbfgs", help="linear probe: fast, or the paper's 80 epochs of SGD"
    )
    add.add_argument("--seed", metavar="N", type=int, default=0, help="of the first draw (default: 0)")


def _run(options):
    from ..evaluation.label_subsets import default_subset_count
    from ..runs.results import results_name, results_table
    from ..workflows.evaluate import evaluate_run

    fraction = options.label_fraction
    draws = default_subset_count(fraction) if options.draws is None else options.draws
    sgd = options.probe == "sgd"
    results = evaluate_run(
        options.encoder, options.train, options.test, fraction, sgd, options.seed, draws, options.line
    )
    print(results_table(results))
    print(f"Written to {Path(options.encoder) / 'results' / results_name('evaluation', fraction)}.json")
