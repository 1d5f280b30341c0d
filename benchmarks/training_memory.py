"""The memory of a training process over many steps, from files and with all callbacks of `byol-keras pretrain`.

    python -m benchmarks.training_memory --steps 10000

Prints its resident memory each tenth of the way. A quarter of an hour to an hour.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from byol_keras.callbacks.csv_history import read_history

from .interruptions import IMAGES, RECIPE, write_data
from .tables import table, write

STEPS_PER_EPOCH = IMAGES // 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=10000)
    steps = parser.parse_args().steps
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), -(-steps // STEPS_PER_EPOCH))
    rows = [[step, megabytes] for step, megabytes in measured.items()]
    table("Resident memory of training", ["step", "MB"], rows)
    write("training_memory", {"megabytes": measured})


def measure(folder, epochs):
    """{step: MB} at the end of every tenth of the epochs."""
    data, out, measured = write_data(folder, "files"), folder / "run", {}
    command = [sys.executable, "-m", "byol_keras", "pretrain", *RECIPE.split(), "--out", out, "--data", data]
    command += ["--epochs", epochs, "--precision", "float32", "--checkpoint-minutes", 1]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log)
        memory = psutil.Process(process.pid)
        while process.poll() is None:
            done = len(read_history(out / "history.csv"))
            if done and done % max(1, epochs // 10) == 0 and (step := done * STEPS_PER_EPOCH) not in measured:
                measured[step] = memory.memory_info().rss / 2**20
                print(step, round(measured[step]), flush=True)
            time.sleep(0.5)
    assert process.returncode == 0, (folder / "log").read_text()
    return measured


if __name__ == "__main__":
    main()
