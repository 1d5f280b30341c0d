"""Time to accuracy: 20-NN on CIFAR-10 after equal training time, this package against byol-pytorch and lightly.

    python -m benchmarks.accuracy --data cifar10          # a folder with train/ and test/, a subfolder a class

All train resnet8x2 with heads 4096 to 256, batch 64, AdamW 1e-3 falling by a cosine over the whole time, tau 0.97, in
bfloat16; byol-pytorch with its own augmentation, lightly with its BYOL transform. The clock runs while they train, not
while they compile their first steps or write embeddings. Three systems, three seeds, eight minutes each: 100 minutes
with what lies between.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np

from byol_keras.data import open_source
from byol_keras.data.images import evenly
from byol_keras.evaluation import knn_accuracy

from .peers import peers_python
from .tables import table, write
from .workers import Worker

SYSTEMS = ("byol_keras", "lightly", "byol-pytorch")
# Images whose neighbors are looked up, and those among which: enough for half a point.
TEST, TRAIN = 10_000, 50_000


def train(system, data, folder, seed, minutes):
    """Trains one system with one seed; {minute: 20-NN accuracy}, and the steps it did."""
    ours = system == "byol_keras"
    module = "benchmarks.accuracy_tensorflow" if ours else "benchmarks.accuracy_torch"
    worker = Worker(system, sys.executable if ours else peers_python(), module, system, data, seed, minutes[-1])
    accuracies, steps = {}, {}
    for minute in minutes:
        out = Path(folder) / f"{system}-{seed}-{minute}.npz"
        steps[minute] = worker.measure(until=60 * minute, out=str(out))["steps"]
        with np.load(out) as saved, np.load(data) as arrays:
            labels = arrays["train_labels"], arrays["test_labels"]
            accuracies[minute] = knn_accuracy(saved["train"], labels[0], saved["test"], labels[1])
    worker.close()
    return {"accuracy": accuracies, "steps": steps}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with train/ and test/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, nargs="+", default=[3, 8])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images.npz"
        arrays = {}
        for part, count in (("train", TRAIN), ("test", TEST)):
            source = open_source(str(Path(arguments.data) / part))
            source = source.subset(evenly(len(source), count))
            arrays |= {part: source.images, f"{part}_labels": source.labels}
        np.savez(data, **arrays)
        results = {system: [] for system in SYSTEMS}
        for seed in arguments.seeds:
            for system in SYSTEMS:
                results[system].append(train(system, data, folder, seed, arguments.minutes))
                print(system, "seed", seed, results[system][-1], file=sys.stderr, flush=True)
    rows = []
    for system, runs in results.items():
        row = [system]
        for minute in arguments.minutes:
            values = [100 * run["accuracy"][minute] for run in runs]
            row.append(f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})")
        rows.append([*row, statistics.median(run["steps"][arguments.minutes[-1]] for run in runs)])
    header = ["20-NN, %, mean (range)", *(f"{minute:g} min" for minute in arguments.minutes), "steps"]
    table(f"CIFAR-10, resnet8x2, {len(arguments.seeds)} seeds", header, rows)
    write("accuracy", results)


if __name__ == "__main__":
    main()
