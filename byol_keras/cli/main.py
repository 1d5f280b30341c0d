"""The command line `byol-keras`: one file beside this for each command.

The heavy imports happen in the commands, so that `--help` answers at once.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from .._version import __version__
from ..errors import InputError, Interrupted, ParityError
from ..utils.startup import import_tensorflow
from . import (
    demo,
    detect,
    duplicates,
    embed,
    evaluate,
    export,
    finetune,
    identities,
    label,
    pretrain,
    report,
    retrieval,
    search,
    segment,
    split,
    verify,
    views,
)
from .arguments import in_flags

# In the order in which somebody new needs them.
COMMANDS = (
    demo,
    views,
    pretrain,
    split,
    evaluate,
    finetune,
    label,
    retrieval,
    search,
    duplicates,
    identities,
    verify,
    detect,
    segment,
    report,
    embed,
    export,
)
FAILED = 1
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        int, the exit code: 0 done, 1 an export that differs from Keras, 2 bad input, 128 + the signal's number
            where one stopped it (130 Ctrl-C, 143 SIGTERM); a bug raises.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    import_tensorflow(pretraining=options.command == "pretrain")
    try:
        options.run(options)
    except (InputError, ParityError) as error:
        print(f"byol-keras {options.command}: {in_flags(str(error), options.parser)}", file=sys.stderr)
        return BAD_INPUT if isinstance(error, InputError) else FAILED
    except (KeyboardInterrupt, Interrupted) as stop:
        print(f"\nbyol-keras {options.command}: {stop if str(stop) else 'interrupted'}", file=sys.stderr)
        if options.command == "pretrain" and Path(options.out, "config.json").is_file():
            print(f"Go on with: byol-keras pretrain --out {shlex.quote(options.out)} --resume", file=sys.stderr)
        return 128 + getattr(stop, "signal", signal.SIGINT)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """What a command line asks for; prints the usage and leaves the process where it cannot be understood.

    Args:
        arguments: without the program's name.

    Returns:
        argparse.Namespace with `command`, `run`, `parser`, the command's own options, and `line`, the command line.
    """
    parser = argparse.ArgumentParser(
        prog="byol-keras", description="Learn an image encoder from unlabeled images with BYOL, and put it to work."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_to(commands)
    options = parser.parse_args(arguments)
    # For results to say how they came about.
    options.line = shlex.join(["byol-keras", *arguments])
    return options
