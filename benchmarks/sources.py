"""A folder of many images: to open it, to open it again, to the first batch, and to the end of two steps of `pretrain`.

    python -m benchmarks.sources --data FOLDER --counts 1000 100000 300000 1000000

The folders are of hard links to the JPEGs of FOLDER and lie in --out, on the same disk; each is removed again, as is
the cache of its check. Every figure is that of a process of its own: seconds, seconds of the CPUs, and the most memory
above that of a process which has imported TensorFlow; of `pretrain` above the same with the first of the counts.
Opening a million small images for the first time takes a quarter of an hour on two cores.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .tables import table, write

IN_A_FOLDER = 1000
BATCH = 64
PHASES = ("open", "again", "batch", "pretrain")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of JPEG images")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--out", default=tempfile.gettempdir(), help="where the folders are made")
    parser.add_argument("--phase", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.phase:
        print(json.dumps(measure(*options.phase)))
        return
    rows = []
    for count in options.counts:
        with tempfile.TemporaryDirectory(dir=options.out) as folder:
            images = link_images(Path(options.data), Path(folder) / "images", count)
            environment = {**os.environ, "XDG_CACHE_HOME": str(Path(folder) / "cache")}
            for phase in PHASES:
                command = [sys.executable, "-m", "benchmarks.sources", "--data", "", "--phase", phase, str(images)]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
                rows.append([f"{count:,}", phase, *json.loads(said.splitlines()[-1])])
                print(*rows[-1], flush=True)
    first = next(row[4] for row in rows if row[1] == "pretrain")
    for row in rows:
        row[4] -= first if row[1] == "pretrain" else 0
    table("A folder of images", ["images", "", "s", "CPU s", "MB above"], rows)
    write("sources", {"rows": rows})


def link_images(data, folder, count):
    """A folder with subfolders of so many links to the JPEGs of another."""
    originals = sorted([*data.rglob("*.jpg"), *data.rglob("*.JPEG")])
    for number in range(count):
        place = folder / f"{number // IN_A_FOLDER:04}"
        if number % IN_A_FOLDER == 0:
            place.mkdir(parents=True)
        os.link(originals[number % len(originals)], place / f"{number:07}.jpg")
    return folder


def measure(phase, images):
    """Seconds, seconds of the CPUs, and MB of memory above what there was, of one phase in this process."""
    from byol_keras.utils.startup import import_tensorflow

    import_tensorflow(pretraining=True)
    from byol_keras import TwoViews
    from byol_keras.cli.main import main as byol_keras
    from byol_keras.data import open_source, two_view_batches

    usage = resource.getrusage(resource.RUSAGE_SELF)
    memory, cpu, start = usage.ru_maxrss, usage.ru_utime + usage.ru_stime, time.monotonic()
    if phase == "pretrain":
        count = sum(len(files) for _, _, files in os.walk(images))
        # So small a share of an epoch that it ends after two steps.
        arguments = ["--image-size", 32, "--batch-size", BATCH, "--epochs", 2 * BATCH / count, "--warmup-epochs", 0]
        out = str(Path(images).with_name("run"))
        assert byol_keras(["pretrain", "--data", images, "--out", out, *map(str, arguments)]) == 0
    else:
        source = open_source(images)
        if phase == "batch":
            next(iter(two_view_batches(source, TwoViews(32), BATCH, 2, seed=0)))
    seconds, usage = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    return [seconds, usage.ru_utime + usage.ru_stime - cpu, (usage.ru_maxrss - memory) / 1000]


if __name__ == "__main__":
    main()
