"""`byol-keras segment`."""

import argparse

from .arguments import Commands, add_label_fraction, add_run, command

DATASET_HELP = "a folder with images/, labels/ (a .png of class numbers for each image), and optionally classes.txt"


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "segment",
        _run,
        "train a semantic segmentation on the encoder and from scratch, and compare the mean IoU",
        "segment runs/street --train street/train --test street/test --label-fraction 0.1",
    )
    add_run(add, "of resnet10, resnet18 or resnet34, 64 pixels and more")
    add.add_argument("--train", metavar="FOLDER", required=True, help=DATASET_HELP)
    add.add_argument("--test", metavar="FOLDER", required=True, help="the same, with the same classes")
    add_label_fraction(add, "images")
    add.add_argument("--seeds", metavar="N", type=int, default=3, help="repetitions of each (default: 3)")
    add.add_argument("--steps", metavar="N", type=int, default=400, help="updates (default: 400)")
    add.add_argument("--batch-size", metavar="N", type=int, default=8, help="crops in one update (default: 8)")
    add.add_argument("--crop-size", metavar="N", type=int, default=128, help="pixels, in steps of 32 (default: 128)")
    add.add_argument("--learning-rate", metavar="F", type=float, default=1e-3, help="at its peak (default: 0.001)")


def _run(options: argparse.Namespace) -> None:
    from ..runs.results import results_name
    from ..runs.results_table import results_table
    from ..tasks.segmentation.train import SegmentationConfig
    from ..workflows.segment import segment_run

    config = SegmentationConfig(options.steps, options.batch_size, options.crop_size, options.learning_rate)
    results = segment_run(
        options.folder,
        options.train,
        options.test,
        config,
        label_fraction=options.label_fraction,
        seeds=options.seeds,
        command=options.line,
    )
    print(results_table(results))
    name = results_name("segmentation", options.label_fraction)
    print(f"Written to {options.folder}/results/{name}.json; model and images of predictions: {options.folder}/{name}")
