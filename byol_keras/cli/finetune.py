"""`byol-keras finetune`."""

from pathlib import Path

from .arguments import SOURCE_HELP, command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "finetune",
        _run,
        "train a classifier on few labels, from the pretrained encoder and from scratch",
        "finetune runs/photos --train labeled/train --test labeled/test --label-fraction 0.01",
    )
    add.add_argument("encoder", metavar="RUN")
    add.add_argument("--train", metavar="SOURCE", required=True, help="labeled images: " + SOURCE_HELP)
    add.add_argument("--test", metavar="SOURCE", required=True, help="labeled images of the same classes")
    add.add_argument("--label-fraction", metavar="F", type=float, default=1.0, help="share of the training labels used")
    add.add_argument("--draws", metavar="N", type=int, help="random choices of them (default: 3 of a share, 1 of all)")
    add.add_argument("--epochs", metavar="N", type=int, help="passes over them (default: what their number needs)")
    add.add_argument("--learning-rate", metavar="R", type=float, help="at its peak, for both trainings")
    add.add_argument("--batch-size", metavar="N", type=int, help="images in one update")
    add.add_argument("--seed", metavar="N", type=int, default=0, help="of the first draw (default: 0)")


def _run(options):
    from ..evaluation.label_subsets import default_subset_count
    from ..runs.results import results_table, share
    from ..workflows.finetune import finetune_run

    fraction = options.label_fraction
    draws = default_subset_count(fraction) if options.draws is None else options.draws
    flags = {name: getattr(options, name) for name in ("epochs", "learning_rate", "batch_size")}
    results = finetune_run(
        options.encoder, options.train, options.test, fraction, draws, flags, options.seed, options.line
    )
    folder = Path(options.encoder)
    print(results_table(results))
    print(f"Written to {folder / 'results'}; {folder / 'classifier'} is now that of {share(fraction)}")
    print(f"Next: byol-keras export {folder} --classifier --out DIR")
