"""`byol-keras finetune`."""

import argparse
from pathlib import Path

from .arguments import Commands, add_label_subsets, add_run, add_train_and_test, command, label_subset_arguments


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "finetune",
        _run,
        "train a classifier on few labels, from the pretrained encoder and from scratch",
        "finetune runs/photos --train labeled/train --test labeled/test --label-fraction 0.01",
    )
    add_run(add)
    add_train_and_test(add)
    add_label_subsets(add)
    add.add_argument("--epochs", metavar="N", type=int, help="passes over them (default: what their number needs)")
    add.add_argument("--learning-rate", metavar="F", type=float, help="at its peak, for both trainings")
    add.add_argument("--batch-size", metavar="N", type=int, help="images in one update")


def _run(options: argparse.Namespace) -> None:
    from ..runs.audio_recipe import AudioRecipe
    from ..runs.results import share
    from ..runs.results_table import results_table
    from ..runs.run_config import load_run
    from ..workflows.finetune import finetune_run

    config = {name: getattr(options, name) for name in ("epochs", "learning_rate", "batch_size")}
    subsets = label_subset_arguments(options)
    results = finetune_run(options.folder, options.train, options.test, config=config, **subsets)
    folder = Path(options.folder)
    print(results_table(results))
    print(f"Written to {folder / 'results'}; {folder / 'classifier'} is now that of {share(options.label_fraction)}")
    if not isinstance(load_run(folder).recipe, AudioRecipe):  # whose classifiers have no form to ship in
        print(f"Next: byol-keras export {folder} --classifier --out DIR")
