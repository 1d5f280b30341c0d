"""Programs in a Python of their own, which finds neither the caller's modules nor a GPU."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from byol_keras.errors import ParityError


def run_isolated(name: str, script: Path, arguments: Iterable[object]) -> None:
    """Runs a script with `python -I` on the CPU, and waits for it.

    Args:
        name: of what it runs, for the message.
        script: the program.
        arguments: of the program; turned into text.

    Raises:
        ParityError: if it fails, with the last line that it wrote to stderr.
    """
    command = [sys.executable, "-I", script, *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no message"])[-1]
        raise ParityError(f"{name} does not run in a fresh process (exit code {process.returncode}): {last}")
