"""The command line `byol-keras`: one file in `commands` for each command.

The heavy imports happen in the commands, so that `--help` answers at once.
"""

import argparse
import shlex
import sys
from pathlib import Path

from .._version import __version__
from ..errors import InputError, ParityError
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
INTERRUPTED = 130


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: list of str; by default those of the process.

    Returns:
        int, the exit code: 0 done, 1 an export that differs from Keras, 2 bad input, 130 interrupted; a bug raises.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    import_tensorflow(pretraining=options.command == "pretrain")
    try:
        options.run(options)
    except (InputError, OSError) as error:
        print(f"byol-keras {options.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except ParityError as error:
        print(f"byol-keras {options.command}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"\nbyol-keras {options.command}: interrupted", file=sys.stderr)
        if options.command == "pretrain" and Path(options.out, "config.json").is_file():
            print(f"Go on with: byol-keras pretrain --out {shlex.quote(options.out)} --resume", file=sys.stderr)
        return INTERRUPTED
    return 0


def parse(arguments):
    """What a command line asks for; prints the usage and leaves the process where it cannot be understood.

    Args:
        arguments: list of str, without the program.

    Returns:
        argparse.Namespace with `command`, `run`, the command's own options, and `line`, the whole command line.
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
