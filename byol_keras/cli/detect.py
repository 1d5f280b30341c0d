"""`byol-keras detect`."""

import argparse
from pathlib import Path

from .arguments import Commands, add_label_fraction, add_run, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "detect",
        _run,
        "fine-tune an object detector from the encoder and from scratch, and compare them",
        "detect runs/street --train street/train/boxes.json --test street/test/boxes.json",
    )
    add_run(add, "of resnet10, resnet18 or resnet34 at 64 pixels or more")
    boxes = "boxes in the COCO format, a .json; its images are looked for from its folder on"
    add.add_argument("--train", metavar="BOXES", required=True, help=boxes)
    add.add_argument("--test", metavar="BOXES", required=True, help="boxes of the same categories")
    add.add_argument("--train-images", metavar="FOLDER", help="where the training images are, if elsewhere")
    add.add_argument("--test-images", metavar="FOLDER", help="where the test images are, if elsewhere")
    add.add_argument(
        "--image-size", metavar="N", type=int, default=256, help="pixels of the longer side (default: 256)"
    )
    add_label_fraction(add, "images")
    add.add_argument("--epochs", metavar="N", type=int, default=12, help="passes over the images (default: 12)")
    add.add_argument("--batch-size", metavar="N", type=int, default=8, help="images in one update (default: 8)")
    add.add_argument("--learning-rate", metavar="F", type=float, default=1e-3, help="at its peak (default: 0.001)")
    add.add_argument("--seeds", metavar="N", type=int, default=3, help="repetitions of each (default: 3)")
    add.add_argument("--precision", metavar="P", default="auto", help="auto, float32 or bfloat16 (default: auto)")


def _run(options: argparse.Namespace) -> None:
    from ..runs.results import results_name
    from ..runs.results_table import results_table
    from ..tasks.detection.train import DetectionConfig
    from ..workflows.detect import detect_run

    train, test = (options.train, options.train_images), (options.test, options.test_images)
    config = DetectionConfig(options.epochs, options.batch_size, options.learning_rate, options.precision)
    results = detect_run(
        options.folder,
        train,
        test,
        config,
        image_size=options.image_size,
        label_fraction=options.label_fraction,
        seeds=options.seeds,
        command=options.line,
    )
    print(results_table(results))
    folder = Path(options.folder)
    name = results_name("detection", options.label_fraction)
    print(f"Written to {folder / 'results' / name}.json; the detector and an image are in {folder / name}")
