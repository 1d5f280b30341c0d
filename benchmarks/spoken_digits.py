"""Spoken digits: what an encoder pretrained on recordings without labels tells of the digit, and of the speaker.

    python -m benchmarks.spoken_digits --data fsdd --out digits --seeds 3

DATA: the Free Spoken Digit Dataset as folders, train/ and test/, each with a folder for each digit and files such as
7_jackson_12.wav in it. Runs `byol-keras pretrain` as a user would, one seed after the other (CPU minutes are printed),
and prints the linear probe, mean and standard deviation over the seeds: of the pretrained encoder, of the same one
untrained, and of the mean and standard deviation of each mel band. Of 1 % of the labels, five subsets a seed.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np

import byol_keras as bk
from byol_keras.evaluation.linear_head import top_1
from byol_keras.evaluation.mel_statistics import mel_statistics
from byol_keras.runs.build import trained_and_untrained

from .tables import table

SUBSETS = 5
FEW = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    options, flags = parser.parse_known_args()
    rows: dict[str, list[list[float]]] = {}
    for seed in range(options.seeds):
        out = options.out / str(seed)
        if not (out / "encoder.keras").exists():
            command = [sys.executable, "-m", "byol_keras", "pretrain", "--data", str(options.data / "train")]
            before = _cpu_seconds()
            subprocess.run([*command, "--out", str(out), "--seed", str(seed), *flags], check=True)
            print(f"seed {seed}: {(_cpu_seconds() - before) / 60:.1f} CPU minutes", flush=True)
        run = bk.load_run(out)
        train, test = (bk.data.open_source(options.data / part) for part in ("train", "test"))
        vectors = {
            name: [bk.evaluation.embed(encoder, source) for source in (train, test)]
            for name, encoder in trained_and_untrained(run).items()
        }
        vectors["mel statistics"] = [mel_statistics(source) for source in (train, test)]
        for name, (known, asked) in vectors.items():
            scores = probes(known, asked, train, test, seed)
            print(seed, name, *(f"{score:.1f}" for score in scores), flush=True)
            rows.setdefault(name, []).append(scores)
    header = ["linear probe, %", "digit, all labels", "digit, 1 %", "speaker, all labels"]
    cells = [
        [name, *(f"{mean:.1f} +- {std:.1f}" for mean, std in zip(*_mean_std(scores), strict=True))]
        for name, scores in rows.items()
    ]
    table(f"Free Spoken Digit Dataset, {options.seeds} seeds", header, cells)


def probes(train_vectors, test_vectors, train, test, seed: int) -> list[float]:
    """Accuracy in % of the linear probe: digits with all labels and with few, and speakers."""
    few = bk.evaluation.label_subsets(train.labels, FEW, SUBSETS, SUBSETS * seed)
    digits = [_right(train_vectors[some], train.labels[some], test_vectors, test.labels) for some in few]
    known = np.unique([speaker(name) for name in [*train.names, *test.names]], return_inverse=True)[1]
    of_train, of_test = known[: len(train)], known[len(train) :]
    return [
        _right(train_vectors, train.labels, test_vectors, test.labels),
        float(np.mean(digits)),
        _right(train_vectors, of_train, test_vectors, of_test),
    ]


def speaker(name: str) -> str:
    """The second part of a file's name: 7/7_jackson_12.wav."""
    return Path(name).stem.split("_")[1]


def _right(train, labels, test, test_labels):
    return 100 * float(np.mean(top_1(train, labels, test) == test_labels))


def _mean_std(scores):
    return np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)


def _cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
