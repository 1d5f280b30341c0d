"""Time to accuracy: 20-NN on CIFAR-10 after equal training time, this package against three libraries for PyTorch.

    python -m benchmarks.accuracy --data cifar10          # a folder with train/ and test/, a subfolder a class
    python -m benchmarks.accuracy --data cifar10 --held-out --minutes 3 --seeds 0

All train resnet8x2, by the best of their settings in `accuracy_settings`, in bfloat16 where the CPU multiplies in it.
The first command tests on the test images. The second one chose those settings: it runs them all, trains on nine tenths
of the training images and tests on the others. Each time is a training of its own, whose learning rate falls to 0 and
whose tau rises to 1 at its end. The clock runs while they train, not while they compile their first steps or write
embeddings. What this machine and these versions have in --out already is not run again. Four systems, three seeds, 3, 8
and 30 minutes: 9 hours with what lies between; nothing else may run.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from byol_keras.data import open_source
from byol_keras.evaluation import knn_accuracy
from byol_keras.precision import dtype_policy

from .accuracy_settings import BEST, SETTINGS
from .peers import peers_python
from .tables import machine, table, write
from .workers import Worker

HELD_OUT = 5_000


def train(system, setting, data, seed, minutes, folder):
    """One training: 20-NN accuracy in % and the steps it did."""
    ours = system == "byol_keras"
    python = sys.executable if ours else peers_python()
    module = "benchmarks.accuracy_tensorflow" if ours else "benchmarks.accuracy_torch"
    bfloat16 = "bfloat16" in dtype_policy("auto")
    arguments = json.dumps({"seed": seed, "minutes": minutes, "bfloat16": bfloat16, **SETTINGS[system][setting]})
    out = folder / "embeddings.npz"
    worker = Worker(system, python, module, system, data, arguments)
    steps = worker.measure(out=str(out))["steps"]
    worker.close()
    with np.load(out) as saved, np.load(data) as arrays:
        accuracy = knn_accuracy(saved["train"], arrays["train_labels"], saved["test"], arrays["test_labels"])
    return {"accuracy": 100 * accuracy, "steps": steps}


def write_images(data, held_out, path):
    """Writes the images to train on and to test with."""
    source = open_source(str(data / "train"))
    if held_out:
        order = np.random.default_rng(0).permutation(len(source))
        parts = {"train": source.subset(order[HELD_OUT:]), "test": source.subset(order[:HELD_OUT])}
    else:
        parts = {"train": source, "test": open_source(str(data / "test"))}
    arrays = {name: part.images for name, part in parts.items()}
    np.savez(path, **arrays, **{f"{name}_labels": part.labels for name, part in parts.items()})


def print_table(rows, minutes):
    """Mean and range over the seeds."""
    lines = []
    for system, setting in dict.fromkeys((row["system"], row["setting"]) for row in rows):
        line = [f"{system}, {setting}"]
        for minute in minutes:
            of_time = [
                row for row in rows if (row["system"], row["setting"], row["minutes"]) == (system, setting, minute)
            ]
            line += _cells([row["accuracy"] for row in of_time], [row["steps"] for row in of_time])
        lines.append(line)
    header = ["20-NN, %, mean (range)", *(text for minute in minutes for text in (f"{minute:g} min", "steps"))]
    table("CIFAR-10, resnet8x2", header, lines)


def _cells(accuracies, steps):
    if not accuracies:
        return "", ""
    mean = f"{statistics.mean(accuracies):.1f}"
    if len(accuracies) > 1:
        mean += f" ({min(accuracies):.1f} to {max(accuracies):.1f})"
    return mean, statistics.median(steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and test/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 8, 30])
    parser.add_argument("--systems", nargs="+", default=list(SETTINGS), choices=SETTINGS)
    parser.add_argument("--held-out", action="store_true", help="all settings, on held-out training images")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/accuracy.jsonl"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    rows, here = [], machine()
    if options.out.exists():
        rows = [row for row in map(json.loads, options.out.read_text().splitlines()) if row.get("machine") == here]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images.npz"
        write_images(options.data, options.held_out, data)
        for minutes, seed, system in itertools.product(options.minutes, options.seeds, options.systems):
            for setting in SETTINGS[system] if options.held_out else [BEST[system]]:
                case = {"system": system, "setting": setting, "minutes": minutes, "seed": seed}
                case |= {"held_out": options.held_out, "machine": here}
                if any(case.items() <= row.items() for row in rows):
                    continue
                rows.append(case | train(system, setting, data, seed, minutes, Path(folder)))
                print(rows[-1], flush=True)
                with options.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print_table([row for row in rows if row["held_out"] == options.held_out], options.minutes)
    write("accuracy", {"rows": rows})


if __name__ == "__main__":
    main()
