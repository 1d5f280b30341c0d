"""`byol-keras demo`."""

from .arguments import command

# The same with other images, at the end of the report.
COMMANDS = (
    "byol-keras views --data IMAGES --out views.png",
    "byol-keras pretrain --data IMAGES --out runs/mine --image-size 64 --epochs 50",
    "byol-keras evaluate runs/mine --train LABELED/train --test LABELED/test",
    "byol-keras export runs/mine --out serving",
    "byol-keras embed runs/mine --data IMAGES --out embeddings.npz",
)


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands, "demo", _run, "the whole way on images it draws itself, in a few minutes", "demo --out demo"
    )
    add.add_argument("--out", metavar="DIR", default="byol_keras_demo", help="a new folder (default: byol_keras_demo)")


def _run(options):
    from ..workflows.demo import demo

    demo(options.out, COMMANDS)
