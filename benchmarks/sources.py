"""A folder of many images, and its shards: to open it, to open it again, to the first batch, and to train.

    python -m benchmarks.sources --data FOLDER --counts 1000 100000 300000 1000000

The phases are `open`, `again`, `batch`, the first one, `views`, two views at 96 px of VIEWS images by chance, and
`pretrain`, two steps of it. `shard` writes the shards, the phases after it are of these. All but the first find the
images in the system's cache.

The folders are of hard links to the JPEGs of FOLDER and lie in --out, on the same disk; each is removed again, as are
its shards and the cache of its check. Every figure is that of a process of its own: seconds, seconds of the CPUs, and
the most memory above that of a process which has imported TensorFlow; of `pretrain` above the same with the first of
the counts. 25 minutes of one core with all four counts.
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
VIEWS, VIEWS_SIZE = 3200, 96
PHASES = ("open", "again", "batch", "views", "pretrain", "shard")
SHARDS_PHASES = ("open", "batch", "views", "pretrain")


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
            work = [(phase, images) for phase in PHASES] + [(phase, shards_of(images)) for phase in SHARDS_PHASES]
            for phase, data in work:
                command = [sys.executable, "-m", "benchmarks.sources", "--data", "", "--phase", phase, str(data)]
                said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
                rows.append([f"{count:,}", data.name, phase, *json.loads(said.splitlines()[-1])])
                print(*rows[-1], flush=True)
    first = next(row[5] for row in rows if row[2] == "pretrain")
    for row in rows:
        row[5] -= first if row[2] == "pretrain" else 0
    table("A folder of images", ["images", "", "", "s", "CPU s", "MB above"], rows)
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


def shards_of(images):
    """Where the shards of a folder of images are."""
    return Path(images).with_name("shards")


def measure(phase, images):
    """Seconds, seconds of the CPUs, and MB of memory above what there was, of one phase in this process."""
    from byol_keras.utils.startup import import_tensorflow

    import_tensorflow(pretraining=True)
    from byol_keras import TwoViews
    from byol_keras.cli.main import main as byol_keras
    from byol_keras.data import open_source, two_view_batches
    from byol_keras.data.containers.shard_manifest import is_shards, read_shards_manifest

    usage = resource.getrusage(resource.RUSAGE_SELF)
    memory, cpu, start = usage.ru_maxrss, usage.ru_utime + usage.ru_stime, time.monotonic()
    if phase == "pretrain":
        is_folder = not is_shards(images)
        count = len(list(Path(images).glob("*/*"))) if is_folder else read_shards_manifest(images).images
        # So small a share of an epoch that it ends after two steps.
        arguments = ["--image-size", 32, "--batch-size", BATCH, "--epochs", 2 * BATCH / count, "--warmup-epochs", 0]
        out = str(Path(images).with_name("run" if is_folder else "run-of-shards"))
        assert byol_keras(["pretrain", "--data", images, "--out", out, *map(str, arguments)]) == 0
    elif phase == "shard":
        assert byol_keras(["shard", "--data", images, "--out", str(shards_of(images))]) == 0
    else:
        source = open_source(images)
        if phase == "batch":
            next(iter(two_view_batches(source, TwoViews(32), BATCH, 2, seed=0)))
        if phase == "views":
            steps = VIEWS // BATCH
            batches = iter(two_view_batches(source, TwoViews(VIEWS_SIZE), BATCH, steps + 5, seed=0))
            for _ in range(5):  # until everything is under way
                next(batches)
            usage, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
            cpu = usage.ru_utime + usage.ru_stime
            for _ in range(steps):
                next(batches)
    seconds, usage = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    return [seconds, usage.ru_utime + usage.ru_stime - cpu, (usage.ru_maxrss - memory) / 1000]


if __name__ == "__main__":
    main()
