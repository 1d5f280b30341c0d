"""Programs in a Python of their own, which finds the packages that are installed, and no GPU."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from byol_keras.errors import ParityError


def run_isolated(name: str, script: Path, arguments: Iterable[object]) -> None:
    """Runs a script with `python -P` on the CPU, and waits for it.

    So modules in the current folder and beside the script are not found, while packages of the user's own folder and
    of PYTHONPATH, where the runtimes may be, are.

    Args:
        name: of what it runs, for the message.
        script: the program.
        arguments: of the program; turned into text.

    Raises:
        ParityError: if it fails, with the last line that it wrote to stderr.
    """
    command = [sys.executable, "-P", script, *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no message"])[-1]
        raise ParityError(f"{name} does not run in a fresh process (exit code {process.returncode}): {last}")
