"""The most memory that commands take whose images are held in memory, beside the pixels themselves.

    python -m benchmarks.held_memory --images 1976 --size 300

Writes so many gray PNGs of noise, labeled, which are held as RGB, and runs `pretrain`, `evaluate` and `search` on them,
and the same on a tenth of them: what the second takes is not of the pixels. Four minutes on two cores.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from .tables import table, write

PRETRAIN = "--backbone resnet8 --image-size 64 --batch-size 32 --epochs 1 --warmup-epochs 0"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1976)
    parser.add_argument("--size", type=int, default=300)
    options = parser.parse_args()
    few, many = (measure(count, options.size) for count in (options.images // 10, options.images))
    pixels = (options.images - options.images // 10) * options.size**2 * 3 / 1e6
    rows = []
    for name, (seconds, taken) in many.items():
        more = taken - few[name][1]
        rows.append([name, few[name][1], taken, more / pixels, seconds])
    header = ["", "MB, a tenth of them", "MB, all", "times the pixels", "CPU s"]
    table(f"{options.images:,} images of {options.size} px, {pixels:.0f} MB more as RGB", header, rows)
    write("held_memory", {"rows": rows})


def measure(count, size):
    """{command: (seconds of the CPUs, MB at most)}, each a process."""
    with tempfile.TemporaryDirectory() as folder:
        images, run = Path(folder, "images"), Path(folder, "run")
        generator = np.random.default_rng(0)
        for number in range(count):
            place = images / "ab"[number % 2] / f"{number:05}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(0, 256, (size, size), np.uint8)).save(place, compress_level=1)
        query = images / "a" / "00000.png"
        commands = {
            "pretrain": f"pretrain --data {images} --out {run} {PRETRAIN}",
            "evaluate": f"evaluate {run} --train {images} --test {images}",
            "search": f"search {run} --index {images} --query {query} --out {folder}/found.html",
        }
        return {name: peak(command.split(), folder) for name, command in commands.items()}


def peak(arguments, folder):
    environment = {**os.environ, "XDG_CACHE_HOME": str(Path(folder, "cache"))}
    with open(Path(folder, "log"), "w") as log:
        command = [sys.executable, "-m", "byol_keras", *arguments]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, Path(folder, "log").read_text()
    print(arguments[0], f"{usage.ru_maxrss / 1000:.0f} MB", flush=True)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


if __name__ == "__main__":
    main()
