"""`byol-keras demo`."""

import argparse
import shutil
import sys
from pathlib import Path

from .arguments import Commands, command

# The same with other images, at the end of the report.
COMMANDS = (
    "byol-keras views --data IMAGES --out views.png",
    "byol-keras pretrain --data IMAGES --out runs/mine --image-size 64 --epochs 50",
    "byol-keras evaluate runs/mine --train LABELED/train --test LABELED/test",
    "byol-keras export runs/mine --out serving",
    "byol-keras embed runs/mine --data IMAGES --out embeddings.npz",
)


def add_to(commands: Commands) -> None:
    """Adds the command to those of the parser."""
    add = command(
        commands, "demo", _run, "the whole way on images it draws itself, in a few minutes", "demo --out demo"
    )
    add.add_argument("--out", metavar="DIR", default="byol_keras_demo", help="a new folder (default: byol_keras_demo)")


def _run(options: argparse.Namespace) -> None:
    from ..workflows.demo import run_demo

    run_demo(options.out, COMMANDS)
    # Installed into an environment that is not activated, as by `make demo`, the command needs its path.
    command = "byol-keras" if shutil.which("byol-keras") else Path(sys.executable).with_name("byol-keras")
    print("\nNext, with a folder of your own images:")
    print(f"  {command} views --data IMAGES --out views.png")
    print(f"  {command} pretrain --data IMAGES --out runs/mine")
