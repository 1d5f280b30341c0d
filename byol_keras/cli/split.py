"""`byol-keras split`."""

import argparse
import os

from ..utils.printable import printable
from .arguments import Commands, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "split",
        _run,
        "cut each class of a folder into a beginning to train on and an end to test with, in the order of the names",
        "split --data drive/ --out drive-split --test-share 0.2",
    )
    add.add_argument("--data", metavar="FOLDER", required=True, help="images, for each class a folder")
    add.add_argument("--out", metavar="DIR", required=True, help="a new folder: train/ and test/, links to the images")
    add.add_argument(
        "--test-share", metavar="F", type=float, default=0.2, help="of each class, to test with (default: 0.2)"
    )


def _run(options: argparse.Namespace) -> None:
    from ..workflows.split import split_folder

    train, test = split_folder(options.data, options.out, options.test_share)
    out = printable(options.out)
    print(f"{train:,} images in {os.path.join(out, 'train')}, {test:,} in {os.path.join(out, 'test')}")
