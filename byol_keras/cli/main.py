"""The command line `byol-keras`: one file beside this for each command.

The heavy imports happen in the commands, so that `--help` answers at once.
"""

import argparse
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .._version import __version__
from ..errors import InputError, Interrupted, ParityError
from ..utils.printable import printable
from ..utils.startup import import_tensorflow
from ..utils.stop_signal import SIGNALS, StopSignal, stop_signals
from . import (
    data_service,
    demo,
    detect,
    doctor,
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
    shard,
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
    doctor,
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
    shard,
    embed,
    export,
    data_service,
)
FAILED = 1
BAD_INPUT = 2
BY_SIGNAL = 128  # and the signal's number, as shells count: 130 for Ctrl-C, 143 for SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        int, the exit code: 0 done, 1 an export that differs from Keras, 2 bad input, 130 ended by Ctrl-C, 143 ended by
        SIGTERM; a bug raises.
    """
    stop, options, begun = StopSignal(), None, time.monotonic()
    # Around all of it: a signal may come while its handler is being set, or put back.
    try:
        with stop_signals(stop):
            options = parse(sys.argv[1:] if arguments is None else arguments)
            options.begun = begun
            of_several = getattr(options, "strategy", None) == "multi-worker"
            import_tensorflow(pretraining=options.command == "pretrain", of_several=of_several)
            options.run(options)
    except Interrupted as error:
        return _say(options, str(error), BY_SIGNAL + error.signal, _way_on(options))
    except BaseException as error:
        if stop.number is not None:  # which TensorFlow may have made anything of
            return _say_stopped(options, stop.number)
        if isinstance(error, InputError):
            return _say(options, str(error), BAD_INPUT)
        if isinstance(error, ParityError):
            return _say(options, str(error), FAILED)
        if isinstance(error, PermissionError) and error.filename is not None:
            said = f"{error.filename}: {error.strerror}. Get the permission, or choose another path."
            return _say(options, said, BAD_INPUT)
        raise
    if stop.number == signal.SIGTERM:  # which the command took as the way to end
        return _say_stopped(options, stop.number)
    return 0


def program() -> int:
    """The process of `byol-keras`: `main`, and then nothing that a signal could still stop.

    Returns:
        int, the exit code; after a signal the process ends here.
    """
    try:
        code = main()
    finally:
        # What is left is Python's own end, a second with TensorFlow: killed in it, what is done would look failed.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    if code > BY_SIGNAL:
        sys.stdout.flush()
        sys.stderr.flush()
        # With `-m`, Python remembers a KeyboardInterrupt that passed through text given to `exec`, caught or not,
        # and would end the process by SIGINT in place of the exit code.
        os._exit(code)
    return code


def _say(options, message, code, way_on=()):
    """Prints the one line of a command that did not do its work; gives the exit code."""
    command = "byol-keras" if options is None else f"byol-keras {options.command}"
    if options is not None:
        message = in_flags(message, options.parser)
    message = " ".join([message, *way_on])  # which is typed as it stands
    # Off the line of a progress bar.
    start = "\n" if code > BY_SIGNAL and sys.stderr.isatty() else ""
    print(f"{start}{command}: {printable(message.strip())}", file=sys.stderr)
    return code


def _say_stopped(options, number):
    way_on = _way_on(options)
    message = "interrupted" if number == signal.SIGINT else "ended by SIGTERM"
    return _say(options, message + "." * len(way_on), BY_SIGNAL + number, way_on)


def _way_on(options):
    """What somebody types next whose training was stopped, if anything: a list."""
    begun = {"embed": "_embeddings.json", "shard": "manifest.json"}
    if options is not None and options.command in begun and Path(options.out, begun[options.command]).is_file():
        return [f"Go on with: {options.line}"]
    if options is None or options.command != "pretrain" or not Path(options.out, "config.json").is_file():
        return []
    if options.resume and options.epochs is not None and not _is_being_extended(options.out):
        return [f"Go on with: {options.line}"]
    return [f"Go on with: byol-keras pretrain --out {shlex.quote(options.out)} --resume"]


def _is_being_extended(folder):
    """Whether the run knows already to which epochs it is extended; read without what a signal may have stopped."""
    try:
        config = json.loads(Path(folder, "config.json").read_text())
        return bool(config["legs"]) and config["legs"][-1] != config["recipe"]["epochs"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


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
