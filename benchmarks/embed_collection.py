"""Embedding collections into Parquet: whether memory grows with the collection, and what Beam costs beside `embed`.

    python -m benchmarks.embed_collection --data FOLDER [--sizes 1 2 4] [--beam]

Of the images below FOLDER, hard-linked 1, 2 and 4 times, by an untrained ResNet-18 at 32 px, a process for each line.
With --beam each is embedded by `python -m byol_keras.export.beam` as well, on Beam's local runner in one process. JPEG
and PNG only. CPU is user and system time, memory the peak.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

import byol_keras as bk

from .tables import table, write

SUFFIXES = (".jpg", ".jpeg", ".png")


def hard_linked(source, folder, times):
    """Each image below `source`, linked so many times into subfolders of `folder`."""
    for path in sorted(source.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            for copy in range(times):
                link = folder / str(copy) / path.relative_to(source)
                link.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, link)


def measured(command, out):
    """Runs a command that writes Parquet to `out`: images, seconds, CPU seconds and the peak memory in MB."""
    # A process of its own, so that the figures are of this command's children alone.
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=2); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(done.returncode)"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - begun
    cpu, peak = map(float, done.stdout.split())
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return pq.read_table(out, columns=["name"]).num_rows, seconds, cpu, peak / unit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of JPEG and PNG images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 2, 4], help="how many times each is linked")
    parser.add_argument("--beam", action="store_true")
    arguments = parser.parse_args()
    rows = []
    # Beside the images, since hard links do not cross file systems.
    with tempfile.TemporaryDirectory(dir=arguments.data.resolve().parent) as folder:
        folder = Path(folder)
        encoder = bk.resnet18(input_shape=(32, 32, 3))
        encoder.save(folder / "encoder.keras")
        bk.export.saved_model(encoder, folder / "encoder" / "1")
        for size in arguments.sizes:
            data, out = folder / f"images{size}", folder / f"out{size}.parquet"
            hard_linked(arguments.data.resolve(), data, size)
            plain = [
                sys.executable,
                "-m",
                "byol_keras",
                "embed",
                folder / "encoder.keras",
                "--data",
                data,
                "--out",
                out,
            ]
            rows.append(["embed", *measured(plain, out)])
            print(rows[-1], file=sys.stderr)
            if arguments.beam:
                out = folder / f"beam{size}.parquet"
                beam = [sys.executable, "-m", "byol_keras.export.beam", "--model", folder / "encoder" / "1"]
                beam += ["--images", data, "--out", out, "--parts", "16", "--runner", "DirectRunner"]
                rows.append(["Beam", *measured(beam, out)])
                print(rows[-1], file=sys.stderr)
    table("Embedding into Parquet, ResNet-18, 32 px", ["by", "images", "s", "CPU s", "peak MB"], rows)
    write("embed_collection", {"rows": rows})


if __name__ == "__main__":
    main()
