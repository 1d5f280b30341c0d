"""`byol-keras demo`."""

from .arguments import command


def add_to(commands):
    """Adds the command to those of the parser."""
    add = command(
        commands, "demo", _run, "the whole way on images it draws itself, in a few minutes", "demo --out demo"
    )
    add.add_argument("--out", metavar="DIR", default="byol_keras_demo", help="a new folder (default: byol_keras_demo)")


def _run(options):
    from ..workflows.demo import demo

    demo(options.out)
