"""The same faults on byol_keras, on lightly's BYOL example under Lightning, and on byol-pytorch's trainer.

    python -m benchmarks.faults --out FOLDER

Kills, a cut image, a deleted one, NaN in one batch and SIGTERM, each in real processes of a small training with a
checkpoint every third step, set up as its library's users would. Prints what happened, and what was lost, of each.
20 to 40 minutes; nothing is timed.
"""

import argparse
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from byol_keras.data import synthetic_images

from .interruptions import begin as begin_pretrain
from .interruptions import latest
from .peers import peers_python
from .tables import write

IMAGES, BATCH = 192, 16
STEPS = IMAGES // BATCH  # of an epoch, which has each image once
POISONED = 2 * STEPS + 5
VICTIM = "a/100.jpg"
KILLS = 3
RECIPE = f"--backbone resnet8 --image-size 32 --batch-size {BATCH} --hidden-width 64 --projection-width 16"


class Peer:
    """Runs of a peer, in a folder of their own."""

    def __init__(self, name, folder, epochs):
        self.name, self.folder, self.epochs, self.python = name, folder / name, epochs, peers_python()
        self.folder.mkdir()

    def begin(self, out, data, poisoned=-1):
        command = [self.python, "-m", "benchmarks.faults_torch", self.name, data, out, self.epochs, poisoned]
        with out.with_suffix(".log").open("a") as log:
            return subprocess.Popen([*map(str, command)], stdout=log, stderr=log)

    def log(self, out):
        return out.with_suffix(".log").read_text()

    def lines(self, out):
        path = out / "steps.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def step(self, out):
        return max((line.get("step", 0) for line in self.lines(out)), default=0)

    def lost(self, out):
        """Steps done again; and in the epochs of the steps that counted, images seen again and never."""
        counted, again = [], 0
        for line in self.lines(out):
            if "resumed" in line:
                again += len(counted) - line["resumed"]
                del counted[line["resumed"] :]
            else:
                counted.append(line["images"])
        epochs = [counted[i : i + STEPS] for i in range(0, len(counted) - STEPS + 1, STEPS)]
        seen = [Counter(itertools.chain.from_iterable(epoch)) for epoch in epochs]
        twice = sum(count - 1 for epoch in seen for count in epoch.values())
        return again, twice, sum(IMAGES - len(epoch) for epoch in seen)

    def weights(self, out):
        with np.load(out / "weights.npz") as arrays:
            return [arrays[name] for name in arrays.files]

    def poison(self, data):
        """Rows of a training with NaN in one batch."""
        out = self.folder / "nan"
        code = self.begin(out, data, POISONED).wait()
        found = json.loads((out / "finite.json").read_text())
        bad, count = found.pop("the weights")
        saved = sum(some > 0 for some, _ in found.values())
        happened = f"goes on to the end, exit code {code}: {bad} of {count} tensors of the weights NaN"
        rest = "all of training" if saved == len(found) else "all after the NaN"
        return [("NaN in a batch", happened, f"{rest}: {saved} of {len(found)} checkpoints NaN")]


class Ours(Peer):
    """`byol-keras pretrain`; what it does by itself is not told step by step, so its checkpoints say where it is."""

    def __init__(self, folder, epochs):
        self.name, self.folder, self.epochs = "byol_keras", folder / "byol_keras", epochs
        self.folder.mkdir()

    def begin(self, out, data):
        words = [*RECIPE.split(), "--data", data, "--epochs", self.epochs, "--precision", "float32"]
        return begin_pretrain(self.folder, out, words)

    def log(self, out):
        return (self.folder / "log").read_text()

    def step(self, out):
        return latest(out)

    def weights(self, out):
        history = np.frombuffer((out / "history.csv").read_bytes(), np.uint8)
        return [*keras.models.load_model(out / "encoder.keras").get_weights(), history]

    def poison(self, data):
        rows = []
        for where, title in (("images", "NaN in a batch given to fit"), ("views", "NaN in a batch behind its check")):
            out = self.folder / where
            command = [sys.executable, "-m", "benchmarks.faults_keras", where, out, self.epochs, POISONED]
            with out.with_suffix(".log").open("w") as log:
                code = subprocess.run([*map(str, command)], stdout=log, stderr=log).returncode
            found = json.loads((out / "finite.json").read_text())
            bad, saved = found["the weights"], found["the last checkpoint"]
            way = "stops in one line" if code == 2 else f"{found['skipped']} update skipped and counted"
            happened = f"{way}, exit code {code}: {bad[0]} of {bad[1]} variables NaN, {saved[0]} in the last checkpoint"
            rows.append((title, happened, f"steps done again: {found['steps'] - found['saved']}"))
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="a new folder")
    parser.add_argument("--epochs", type=int, default=8, help=f"of {STEPS} steps")
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=FAULTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--systems", nargs="+", default=["byol_keras", "lightly", "byol-pytorch"])
    options = parser.parse_args()
    options.out = options.out.absolute()
    options.out.mkdir(parents=True)
    rows = []
    for name in options.systems:
        system = Ours(options.out, options.epochs) if name == "byol_keras" else Peer(name, options.out, options.epochs)
        draws = random.Random(options.seed)
        for fault in options.faults:
            data = write_images(system.folder / f"images-{fault}")
            for row in FAULTS[fault](system, data, draws):
                print(" | ".join([name, *row]), flush=True)
                rows.append([name, *row])
    print(f"\n{options.epochs} epochs of {STEPS} steps, a checkpoint every 3 steps:\n")
    header = ["library", "fault", "what happened", "lost"]
    print("\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]))
    write("faults_" + "_".join(options.systems), {"rows": rows})


def write_images(folder):
    """IMAGES JPEGs of several sizes in one class; the folder."""
    (folder / "a").mkdir(parents=True)
    for i, image in enumerate(synthetic_images(IMAGES, seed=1)[0]):
        picture = Image.fromarray(image[..., 0]).convert("RGB").resize((40 + i % 5, 40))
        picture.save(folder / "a" / f"{i:03}.jpg", quality=95)
    return folder


def wait_until_done(process, condition):
    """Waits for the condition, or the end of the process."""
    while process.poll() is None and not condition():
        time.sleep(0.02)


def stop_at(system, out, data, number, step, draws):
    """A process that got a signal a little after a step was done; its exit code."""
    process = system.begin(out, data)
    wait_until_done(process, lambda: system.step(out) >= step)
    time.sleep(draws.uniform(0, 0.3))
    if process.poll() is not None:
        raise RuntimeError(f"{system.name} ended with code {process.returncode} before step {step}: {system.log(out)}")
    process.send_signal(number)
    return process.wait()


def compared(system, one, other):
    weights = system.weights(one), system.weights(other)
    return all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def lost_steps(system, out):
    if isinstance(system, Ours):
        return "not told step by step"
    again, twice, never = system.lost(out)
    return f"steps done again: {again}; images twice in an epoch: {twice}, not at all: {never}"


def killed(system, data, draws):
    """Rows: two runs left alone, and one killed some times."""
    straight, again, out = (system.folder / name for name in ("straight", "again", "killed"))
    assert system.begin(straight, data).wait() == 0, system.log(straight)
    assert system.begin(again, data).wait() == 0, system.log(again)
    steps = sorted(draws.sample([s for s in range(3, STEPS * system.epochs - STEPS) if s % STEPS], KILLS))
    for step in steps:
        stop_at(system, out, data, signal.SIGKILL, step, draws)
    assert system.begin(out, data).wait() == 0, system.log(out)
    same = "equal" if compared(system, straight, again) else "DIFFER"
    end = "equal those of the undisturbed run, bit for bit" if compared(system, straight, out) else "DIFFER from them"
    return [
        ("none, twice", f"weights {same}, bit for bit", ""),
        (f"{KILLS} SIGKILLs", f"weights at the end {end}", lost_steps(system, out)),
    ]


def terminated(system, data, draws):
    """The row of SIGTERM; tried again where a checkpoint was just due, which would look like one made at the stop."""
    for attempt in range(5):
        out = system.folder / f"terminated-{attempt}"
        code = stop_at(system, out, data, signal.SIGTERM, draws.randrange(STEPS + 2, 2 * STEPS), draws)
        if isinstance(system, Ours):
            done = int(re.search(r"stopped at step ([\d,]+)", system.log(out))[1].replace(",", ""))
            return [("SIGTERM", f"exit code {code}, all saved", f"steps done again: {done - latest(out)} of {done}")]
        done = system.step(out)
        assert system.begin(out, data).wait() == 0, system.log(out)
        again, twice, never = system.lost(out)
        if again:
            happened = f"exit code {shell_code(code)}, nothing saved at the stop"
            lost = f"steps done again: {again} of {done}; images twice in an epoch: {twice}, not at all: {never}"
            return [("SIGTERM", happened, lost)]
    return [("SIGTERM", f"exit code {shell_code(code)}, all saved", f"steps done again: 0 of {done}")]


def shell_code(code):
    """An exit code as a shell tells it: 128 + the signal that ended the process."""
    return code if code >= 0 else 128 - code


def cut(system, data, draws):
    """One JPEG ends in its middle before training begins."""
    out, victim = system.folder / "cut", data / VICTIM
    os.truncate(victim, victim.stat().st_size // 2)
    return [("a JPEG cut in half", *ended(system, out, system.begin(out, data), data))]


def deleted(system, data, draws):
    out = system.folder / "deleted"
    process = system.begin(out, data)
    wait_until_done(process, lambda: system.step(out) >= STEPS + 2)
    (data / VICTIM).unlink()
    return [("a JPEG deleted in training", *ended(system, out, process, data))]


def ended(system, out, process, data):
    """What happened and was lost in a run with a bad image; where it died, it is begun once more."""
    code = process.wait()
    lines = system.log(out).splitlines()
    said = next((line for line in reversed(lines) if VICTIM in line), None)
    if code == 0:
        return (
            f"goes on to the end, exit code 0: {(said or 'not a word of it').replace(f'{data}', 'DATA')}",
            "that image",
        )
    named = "" if said else ", which image is not said"
    happened = f"dies after step {system.step(out)}, exit code {code}: {lines[-1].replace(f'{data}', 'DATA')}{named}"
    before = len(system.lines(out))
    code = system.begin(out, data).wait()
    since = [line.get("step", line.get("resumed")) for line in system.lines(out)[before:]]
    happened += f"; begun again, from step {since[0]}: exit code {code} after step {max(since)}"
    again = f"steps done again: {system.lost(out)[0]}"
    return happened, f"{again}; and the rest of training" if code else again


def poisoned(system, data, draws):
    return system.poison(data)


FAULTS = {"kill": killed, "term": terminated, "nan": poisoned, "cut": cut, "delete": deleted}

if __name__ == "__main__":
    main()
