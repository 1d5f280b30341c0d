"""A training that is killed again and again and resumed each time, against the same training left alone.

    python -m benchmarks.interruptions --kills 50 --terms 20 --precision float32 --images files --out FOLDER

Each interruption comes at a random moment: a third of them anywhere in the start of a process, the others within three
seconds after a checkpoint of it stands, one being written every third step. Prints what was lost, and whether the
encoder's weights and history.csv are those of the undisturbed run, bit for bit. 20 to 40 minutes.
"""

import argparse
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from byol_keras.callbacks.checkpoint import checkpoints
from byol_keras.data import synthetic_images
from byol_keras.utils.checksum import is_intact

from .tables import table, write

IMAGES = 90
RECIPE = "--backbone resnet8 --image-size 16 --batch-size 8 --hidden-width 32 --projection-width 8"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--terms", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=80, help="of 11 steps; enough to be alive for all interruptions")
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--images", default="files", choices=("files", "memory"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    data = write_data(options.out, options.images)
    words = [*RECIPE.split(), "--data", data, "--epochs", options.epochs, "--precision", options.precision]
    straight, stopped = options.out / "straight", options.out / "stopped"
    assert process(options.out, "--out", straight, *words).wait() == 0

    draws = random.Random(options.seed)
    signals = [signal.SIGKILL] * options.kills + [signal.SIGTERM] * options.terms
    draws.shuffle(signals)
    codes, saved = [], 0
    for number in signals:
        running = begin(options.out, stopped, words)
        wait_for_moment(running, stopped, draws)
        if running.poll() is not None:
            break
        running.send_signal(number)
        codes.append((number, running.wait()))
        said = re.search(r"stopped at step (\d+)", (options.out / "log").read_text())
        if said:  # else it came while the process was starting, and there was nothing to save
            assert latest(stopped) == int(said[1]), "a step was lost"
            saved += 1
        print(f"{signal.Signals(number).name:8} -> {codes[-1][1]:4}, checkpoint at step {latest(stopped)}", flush=True)
    assert begin(options.out, stopped, words).wait() == 0
    report(options, straight, stopped, codes, saved)


def write_data(folder, kind):
    """IMAGES images: one size in an .npz, or files of several sizes, which are not held in memory."""
    images, _, _ = synthetic_images(IMAGES, seed=1)
    if kind == "memory":
        np.savez(folder / "data.npz", images=images)
        return folder / "data.npz"
    (folder / "data").mkdir()
    for i, image in enumerate(images):
        picture = Image.fromarray(image[..., 0]).convert("RGB").resize((32 + i % 5, 32))
        picture.save(folder / "data" / f"{i:02}.{'jpg' if i % 2 else 'png'}")
    return folder / "data"


def process(folder, *arguments):
    command = [sys.executable, "-m", "byol_keras", "pretrain", *map(str, arguments)]
    with (folder / "log").open("w") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def begin(folder, out, words):
    arguments = ["--resume"] if (out / "config.json").exists() else words
    return process(folder, "--out", out, *arguments, "--checkpoint-steps", 3)


def latest(out):
    """The step of the newest checkpoint that is whole; 0 where there is none."""
    return next((step for step, path in checkpoints(out / "checkpoints") if is_intact(path)), 0)


def wait_for_moment(running, out, draws):
    if draws.random() < 1 / 3:
        time.sleep(draws.uniform(0, 20))
        return
    before = latest(out)
    while running.poll() is None and latest(out) == before:
        time.sleep(0.05)
    time.sleep(draws.uniform(0, 3))


def report(options, straight, stopped, codes, saved):
    weights = [keras.models.load_model(run / "encoder.keras").get_weights() for run in (straight, stopped)]
    equal = sum(np.array_equal(a, b) for a, b in zip(*weights, strict=True))
    same_history = (straight / "history.csv").read_bytes() == (stopped / "history.csv").read_bytes()
    kills, terms = ([code for sent, code in codes if sent == number] for number in (signal.SIGKILL, signal.SIGTERM))
    left = terms.count(128 + signal.SIGTERM)
    rows = [
        ["SIGKILL", len(kills)],
        ["SIGTERM", len(terms)],
        ["of these left with 143", left],
        ["of these while training, and saved at that very step", saved],
        ["arrays of weights equal to the last bit", f"{equal} of {len(weights[0])}"],
        ["history.csv", "equal" if same_history else "differs"],
    ]
    table(f"{options.precision}, {options.images}", ["", "times"], rows)
    write(
        f"interruptions_{options.precision}_{options.images}",
        {
            "kills": len(kills),
            "terms": len(terms),
            "left": left,
            "saved": saved,
            "equal": equal,
            "history": same_history,
        },
    )
    sys.exit(0 if equal == len(weights[0]) and same_history else 1)


if __name__ == "__main__":
    main()
