"""`byol-keras label`."""

import argparse

from ..errors import InputError
from .arguments import Commands, add_run, command


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands,
        "label",
        _run,
        "label the images that teach most, on a local page, and train a head on them",
        "label runs/photos --data photos/",
    )
    add_run(add)
    add.add_argument("--data", metavar="FOLDER", required=True, help="images to label, at any depth")
    add.add_argument("--labels", metavar="FILE", help="a .csv: image, class, sha256 (default: RUN/labels.csv)")
    add.add_argument("--out", metavar="DIR", help="gets predictions.csv and head.npz (default: RUN/labeled)")
    add.add_argument("--port", metavar="N", type=int, help="of the page (default: any that is free)")
    instead = add.add_mutually_exclusive_group()
    instead.add_argument("--next", metavar="N", type=int, help="print the next N images to label, and no page")
    instead.add_argument("--write", action="store_true", help="write predictions and head to --out, and no page")


def _run(options: argparse.Namespace) -> None:
    from ..workflows.label import label_folder

    if options.port is not None and (options.next is not None or options.write):
        raise InputError(f"Without a page there is no port: leave it out. Received: port={options.port}")
    if options.out is not None and options.next is not None:
        raise InputError(f"Nothing is written: leave out `out`. Received: out={options.out}")
    port = options.port or 0
    label_folder(options.folder, options.data, options.labels, options.out, port, options.next, options.write)
