"""Output without the lines of TensorFlow and other libraries that tell a user nothing."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from ..errors import InputError

# What TensorFlow says whenever it starts: its log lines of level I and W, and that there is no GPU driver.
TENSORFLOW_STARTING = re.compile(
    r"^([IW]\d{4} |WARNING: All log messages before absl|To enable the following instructions|E\d{4} .*cuInit)"
)
# What a successful conversion to .tflite prints, none of it about the model.
CONVERTING = re.compile(
    r"^I\d{4} |Ignored (output_format|drop_control_dependency)|^fully_quantize: |"
    r"Skipping runtime version metadata|absl::InitializeLog|Created TensorFlow Lite XNNPACK delegate"
)
# What coremltools says when it is imported and on the way to a package: its progress, and versions it does not know.
CORE_ML = re.compile(
    CONVERTING.pattern + r"|^\s*((Running|Converting) .*)?$|^Failed to load _ML|has not been tested with coremltools|"
    r"^(scikit-learn|XGBoost|Torch|TensorFlow) version "
)
# Waits for a byte, and where none comes because the process that held the output is dead, shows what it held.
WATCHER = """
import os, sys
if not sys.stdin.buffer.read(1):
    os.lseek(1, 0, os.SEEK_SET)
    while held := os.read(1, 1 << 16):
        os.write(2, held)
"""


@contextlib.contextmanager
def quiet(harmless: re.Pattern[str]) -> Iterator[None]:
    """Holds back all output meanwhile, and afterwards shows on standard error the lines that are not harmless.

    The lines come from C++, where Python cannot filter them, so the file descriptors themselves are redirected. All of
    it comes out if an unexpected error ends the block or the process dies in it; an InputError says by itself what is
    wrong.

    Args:
        harmless: what to search a line for that need not be shown: TENSORFLOW_STARTING, CONVERTING or CORE_ML.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    streams = [(number, os.dup(number)) for number in (1, 2)]
    hidden = harmless.search
    with tempfile.TemporaryFile() as held, _shown_if_this_process_dies(held):
        for number, _ in streams:
            os.dup2(held.fileno(), number)
        try:
            yield
        except InputError:
            hidden = bool  # every line
            raise
        except Exception:
            hidden = re.compile(r"(?!)").search  # no line
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, saved in streams:
                os.dup2(saved, number)
                os.close(saved)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.write("".join(line for line in lines if not hidden(line)))


@contextlib.contextmanager
def quiet_logging(*names: str) -> Iterator[None]:
    """Meanwhile these loggers log nothing below errors, and what is printed goes to standard error."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def _shown_if_this_process_dies(held):
    """A failed check in C++ ends the process at once: another one must then show what is in the file."""
    command = [sys.executable, "-I", "-S", "-c", WATCHER]
    # In a session of its own, or the terminal's Ctrl-C would reach it as well.
    with subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=held, start_new_session=True) as watcher:
        try:
            yield
        finally:
            with contextlib.suppress(BrokenPipeError):  # where somebody ended the watcher
                watcher.stdin.write(b".")
